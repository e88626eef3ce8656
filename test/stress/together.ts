/** Eight clients, as many servers, and command lines on one storage folder at the same time. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { built } from "../support/built.ts";
import { StressClient, Tally } from "./client.ts";
import { checked, type Finding, none, type Part, type Scale } from "./part.ts";

const CLIENTS = 8;
const COMMANDS = 4;
const KEEP = { "summary.keep": "disk" };

/** The part. */
export const together: Part = {
  name: "together",
  title: "Eight clients and a command line on one storage folder",
  run,
};

async function run({ isLong, env }: Scale): Promise<Finding[]> {
  const documents = isLong ? 40 : 8;
  const tally = new Tally();
  const clients = Array.from({ length: CLIENTS }, () => new StressClient(env, KEEP));
  await Promise.all(clients.map((client) => client.initialize()));
  const commands = Array.from({ length: COMMANDS }, () => fill(env));
  await Promise.all(
    clients.map(async (client, i) => {
      for (let j = 0; j < documents; j++) {
        const uri = `file:///together/${i}-${j}.md`;
        client.open(uri, textOf(i, j));
        tally.count(await client.command("spanfill.summarizeRange", { uri, style: "bullets" }));
      }
    }),
  );
  const filled = (await Promise.all(commands)).filter((code) => code === 0).length;
  await Promise.all(clients.map((client) => client.close()));
  const again = new StressClient(env, KEEP);
  await again.initialize();
  const kept = entriesOf(env);
  await again.close();
  const written = CLIENTS * documents;
  const temporary = readdirSync(env["SPANFILL_CACHE"] ?? "").filter((name) => name.endsWith(".tmp"));
  return [
    { what: "clients, summaries asked for, command lines", figure: `${CLIENTS}, ${written}, ${COMMANDS}` },
    none("requests unanswered", tally.unanswered),
    none("requests refused", tally.refused),
    checked("command lines that answered", `${filled}`, `${COMMANDS}`, filled === COMMANDS),
    checked("summaries on disk afterwards", `${kept}`, `${written} at least`, kept >= written),
    none("temporary files left", temporary.length),
  ];
}

/** Words that no two texts share, so that each summary is a separate write. */
function textOf(i: number, j: number): string {
  const lines = [
    "The harbor opens at dawn.",
    "Boats wait behind the wall until the tide turns.",
    "Nets dry on the quay.",
  ];
  return `# Log ${i}-${j}\n\n${lines.map((line, k) => `Day ${i}.${j}.${k}: ${line} The keeper counted ${100 * i + j + k} gulls.`).join(" ")}\n`;
}

function entriesOf(env: NodeJS.ProcessEnv): number {
  const file = join(env["SPANFILL_CACHE"] ?? "", "summaries.json");
  if (!existsSync(file)) return 0;
  const entries: readonly unknown[] = JSON.parse(readFileSync(file, "utf8"));
  return entries.length;
}

async function fill(env: NodeJS.ProcessEnv): Promise<number | null> {
  const child = spawn(process.execPath, [built("cli.js"), "infill", "-"], { env, stdio: ["pipe", "ignore", "ignore"] });
  child.stdin.end("A map is a ___ of keys and values.");
  const [code] = await once(child, "exit");
  return code;
}
