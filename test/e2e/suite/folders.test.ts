/** Folders, links and very large files; what a person frees; and a server that dies at each kind of work. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  commands,
  EventEmitter,
  FileSystemError,
  FileType,
  type Hover,
  MarkdownString,
  Position,
  Range,
  Selection,
  Uri,
  window,
  workspace,
} from "vscode";
import {
  alive,
  closeEditors,
  eventually,
  notes,
  open,
  PROSE,
  serverPid,
  status,
  trained,
  withSetting,
} from "./editor.ts";

const root = workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";

function write(path: string, content: string): Uri {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return Uri.file(file);
}

/** The digest that is shown; closed again without a trace. */
async function takeDigest(): Promise<{ text: string; uri: Uri; languageId: string }> {
  const document = await eventually("a digest", () => {
    const shown = window.activeTextEditor?.document;
    return shown?.uri.scheme === "untitled" && shown.getText() !== "" && shown;
  });
  const { uri, languageId } = document;
  const text = document.getText();
  await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  return { text, uri, languageId };
}

async function hoverText(uri: Uri, position: Position): Promise<string> {
  const made = await commands.executeCommand<Hover[]>("vscode.executeHoverProvider", uri, position);
  const contents = made.flatMap((hover) => hover.contents);
  return contents.map((content) => (content instanceof MarkdownString ? content.value : String(content))).join("\n");
}

suite("folders and large files", () => {
  setup(async () => {
    await commands.executeCommand("notifications.clearAll");
    await closeEditors();
  });

  test("summarizes a folder as a new document with links, and writes nothing", async () => {
    write("notes/harbour.md", PROSE);
    write("notes/sub/ferry.md", "A ferry crosses to the island three times a day. It carries the post.\n");
    write("notes/.gitignore", "ignored.md\n");
    write("notes/ignored.md", "Not to be read.\n");
    write("notes/passwords.txt", "hunter2");
    await commands.executeCommand("spanfill.summarizeThisFolder", Uri.file(join(root, "notes")));
    const { text, uri, languageId } = await takeDigest();
    assert.match(text, /^# Summary of notes\n\n\*2 of 2 files, 100% of their text read;/);
    assert.match(text, /\n- \[harbour\.md\]\(harbour\.md\): \S.*\n\n## sub\/\n\n- \[ferry\.md\]\(sub\/ferry\.md\): \S/);
    assert.match(text, /ignored\.md\n- Their names tell of secrets: passwords\.txt\n/);
    assert.deepEqual([uri.path, languageId], [join(root, "notes", "DIGEST.md"), "markdown"]);
    assert.ok(!existsSync(uri.fsPath));
  });

  test("a digest that is cancelled is shown as far as it came", async () => {
    const add = (i: number) => write(`many/${i}.md`, PROSE.replaceAll("harbour", `harbour number ${i}`));
    // The first file's summary is remembered, so that however early the digest is cancelled, there is something of it.
    add(0);
    await commands.executeCommand("spanfill.summarizeThisFolder", Uri.file(join(root, "many")));
    await takeDigest();
    for (let i = 1; i < 400; i++) add(i);
    const running = commands.executeCommand("spanfill.summarizeThisFolder", Uri.file(join(root, "many")));
    await eventually("a notification to cancel with", async () => {
      await commands.executeCommand("notifications.focusToasts");
      await commands.executeCommand("notification.acceptPrimaryAction");
      const pause = new Promise<false>((resolve) => setTimeout(() => resolve(false), 300));
      return Promise.race([running.then(() => true), pause]);
    });
    const { text } = await takeDigest();
    assert.match(text, /^# Partial summary of many\n\n\*\d+ of 400 files/);
    const listed = text.match(/^- \[\d+\.md\]/gm)?.length ?? 0;
    assert.ok(listed > 0 && listed < 400, `${listed} files`);
  });

  test("summarizes a folder that only VS Code can read", async () => {
    const files: Record<string, string> = { "/docs/a b.md": PROSE, "/docs/sub/c.txt": "The boats come in at dusk." };
    const changed = new EventEmitter<never>();
    const refuse = () => {
      throw FileSystemError.NoPermissions();
    };
    const isFolder = (path: string) => Object.keys(files).some((name) => name.startsWith(`${path}/`));
    const provider = workspace.registerFileSystemProvider(
      "e2efs",
      {
        onDidChangeFile: changed.event,
        watch: () => changed,
        stat: ({ path }) => {
          const size = files[path]?.length;
          if (size === undefined && !isFolder(path)) throw FileSystemError.FileNotFound(path);
          return { type: size === undefined ? FileType.Directory : FileType.File, ctime: 0, mtime: 0, size: size ?? 0 };
        },
        readDirectory: ({ path }) => {
          const inside = Object.keys(files).flatMap((name) =>
            name.startsWith(`${path}/`) ? [name.slice(path.length + 1)] : [],
          );
          const names = [...new Set(inside.map((name) => name.split("/")[0] ?? ""))];
          return names.map((name) => [name, inside.includes(name) ? FileType.File : FileType.Directory]);
        },
        readFile: ({ path }) => Buffer.from(files[path] ?? ""),
        ...{ createDirectory: refuse, writeFile: refuse, delete: refuse, rename: refuse },
      },
      { isReadonly: true },
    );
    try {
      await commands.executeCommand("spanfill.summarizeThisFolder", Uri.parse("e2efs:/docs"));
      const { text } = await takeDigest();
      assert.match(text, /^# Summary of docs\n\n\*2 of 2 files[\s\S]*\(a%20b\.md\)[\s\S]*\(sub\/c\.txt\)/);
    } finally {
      provider.dispose();
    }
  });

  test("shows over a relative link what it leads to", async () => {
    write("linked/target.md", `${PROSE}\n## Nets\n\nNets are mended in winter, when the boats stay in.\n`);
    const uri = write("linked/index.md", "See [all](target.md), [a part](target.md#nets) and [none](secrets.md).\n");
    write("linked/secrets.md", "hunter2");
    await window.showTextDocument(uri);
    const [all, part] = [await hoverText(uri, new Position(0, 6)), await hoverText(uri, new Position(0, 26))];
    assert.match(all, /\*Spanfill ·/);
    assert.match(part, /\*Spanfill ·/);
    if (trained) assert.notEqual(all, part);
    assert.doesNotMatch(await hoverText(uri, new Position(0, 56)), /% read/);
  });

  test("Free Memory Now ends the engine's process, and the next use starts another", async () => {
    const editor = await open("The nets are ___ in winter, when the boats stay in the harbour.\n");
    await commands.executeCommand("spanfill.fillGapsInSelection");
    const { pid } = await status();
    assert.ok(pid);
    await commands.executeCommand("spanfill.freeMemory");
    assert.equal((await status()).pid, undefined);
    await eventually("its end", () => !alive(pid));
    await commands.executeCommand("undo");
    editor.selection = new Selection(0, 0, 0, 0);
    await commands.executeCommand("spanfill.fillGapsInSelection");
    assert.ok((await status()).pid);
  });

  test("a server that is killed in the middle of each kind of work ends it, and the next one works", async () => {
    const long = Array.from({ length: 150 }, (_, i) => PROSE.replaceAll("ferry", `ferry ${i}`)).join("\n");
    const uri = write("killed/long.md", `${long}\nThe nets are ___ in winter.\n`);
    for (let i = 0; i < 6; i++) write(`killed/more/${i}.md`, PROSE.replaceAll("coal", `coal ${i}`));
    const editor = await window.showTextDocument(uri);
    const { document } = editor;
    const version = document.version;
    const whole = { uri: uri.toString(), version };
    const last = document.lineCount - 2;
    const gap = { start: { line: last, character: 0 }, end: { line: last, character: 27 } };
    const word = { start: { line: last, character: 4 }, end: { line: last, character: 8 } };
    const kinds: Record<string, () => Thenable<unknown>> = {
      summarize: () => commands.executeCommand("spanfill.summarizeRange", whole),
      "fill gaps": () => commands.executeCommand("spanfill.fillGaps", { ...whole, range: gap }),
      rephrase: () => commands.executeCommand("spanfill.rephrase", { ...whole, range: word }),
      "front matter": () => commands.executeCommand("spanfill.writeField", { ...whole, field: "title" }),
      hover: () => commands.executeCommand("vscode.executeHoverProvider", uri, new Position(0, 3)),
      digest: () => commands.executeCommand("spanfill.summarizeThisFolder", Uri.file(join(root, "killed", "more"))),
    };
    const answering = () => status().then(undefined, () => undefined);
    await eventually("a server", answering);
    const server = serverPid();
    assert.ok(server);
    // The first keeps the engine busy, so the others wait in the middle of theirs.
    const waiting = new Set(Object.keys(kinds));
    const running = Object.entries(kinds).map(async ([kind, ask]) => {
      const outcome = await Promise.resolve(ask()).then(
        () => "answered",
        (error: unknown) => String(error),
      );
      waiting.delete(kind);
      return [kind, outcome] as const;
    });
    await eventually("work", async () => (await status()).state === "busy");
    process.kill(server, "SIGKILL");
    const ended = await Promise.race([
      Promise.all(running),
      new Promise<never>((_, reject) =>
        setTimeout(() => reject(new Error(`never ended: ${[...waiting].join(", ")}`)), 40_000),
      ),
    ]);
    notes.push(`ended with the server: ${ended.map(([kind, how]) => `${kind} (${how.slice(0, 60)})`).join(", ")}`);
    assert.equal(document.version, version, "something was written");
    await eventually("another server", () => serverPid() !== server && serverPid() !== undefined);
    // Its commands are there when it has answered.
    await eventually("its answer", answering);
    const small = await open(`${PROSE}\nThe nets are ___ in winter.\n`, "small.md");
    const end = small.document.lineCount - 2;
    const rest = { uri: small.document.uri.toString(), version: small.document.version };
    const at = { start: { line: end, character: 0 }, end: { line: end, character: 27 } };
    await commands.executeCommand("spanfill.summarizeRange", rest);
    await commands.executeCommand("spanfill.fillGaps", { ...rest, range: at });
    await commands.executeCommand("spanfill.rephrase", { ...rest, range: { ...at, end: { line: end, character: 8 } } });
    await commands.executeCommand("spanfill.writeField", { ...rest, field: "title" });
    assert.match(await hoverText(small.document.uri, new Position(0, 3)), /\*Spanfill ·/);
    await commands.executeCommand("spanfill.summarizeThisFolder", Uri.file(join(root, "killed", "more")));
    assert.match((await takeDigest()).text, /6 of 6 files/);
    assert.ok(readFileSync(uri.fsPath, "utf8").endsWith("The nets are ___ in winter.\n"));
    assert.deepEqual(small.document.getText(new Range(end, 0, end, 27)), "The nets are ___ in winter.");
  });

  // AsciiDoc, since VS Code itself takes a minute of processor time for the colors and links of as much Markdown.
  test("5 MB of AsciiDoc: what is typed stands, and hovers, lenses and a gap work", async () => {
    const part = `${PROSE}\nBy ___, the nets are in the loft in winter — when the boats stay in.\n\n`;
    const parts = part.repeat(Math.ceil(5e6 / Buffer.byteLength(part)));
    const text = `= The book\n\n${parts.replace(/^#+/gm, (marks) => `=${"=".repeat(marks.length)}`)}`;
    const lines = text.split("\n");
    const gap = lines.findIndex((line, i) => i > lines.length / 2 && line.includes("___"));
    const heading = lines.findIndex((line, i) => i > gap && line.startsWith("=="));
    const typed = "See ";
    /** Types before the gap. @returns how long each key took */
    const type = async (name: string) => {
      const editor = await open(text, name);
      editor.selection = new Selection(gap, 0, gap, 0);
      editor.revealRange(editor.selection);
      const times: number[] = [];
      for (const key of typed) {
        const began = performance.now();
        await commands.executeCommand("type", { text: key });
        times.push(performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      times.sort((a, b) => a - b);
      const [middle, most] = [times[times.length >> 1] ?? 0, times.at(-1) ?? 0];
      notes.push(`a key in 5 MB, ${name}: median ${middle.toFixed(0)} ms, most ${most.toFixed(0)} ms`);
      assert.ok(editor.document.getText() === lines.with(gap, typed + lines[gap]).join("\n"), "not what was typed");
      return { editor };
    };
    await withSetting("spanfill.codeLens.enabled", true, async () => {
      const { editor } = await type("ours.adoc");
      const { document } = editor;
      assert.match(await hoverText(document.uri, new Position(heading, 4)), /\*Spanfill ·/);
      const lenses = await commands.executeCommand<unknown[]>("vscode.executeCodeLensProvider", document.uri);
      assert.equal(lenses.length, 1, "more than VS Code can lay out");
      editor.selection = new Selection(gap, 0, gap, document.lineAt(gap).text.length);
      await commands.executeCommand("spanfill.fillGapsInSelection");
      if (trained) assert.ok(!document.lineAt(gap).text.includes("___"), document.lineAt(gap).text);
    });
  }).timeout(240_000);
});
