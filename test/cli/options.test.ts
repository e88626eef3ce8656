/** Options of the command line: a test shows the effect of each, and messages name only those that exist. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { allCommands, createProgram } from "../../server/cli/program.ts";
import { comparingEffects } from "./options/comparing.ts";
import { creatingEffects } from "./options/creating.ts";
import { decodingEffects } from "./options/decoding.ts";
import { createWorkspace } from "./options/effect.ts";
import { growingEffects } from "./options/growing.ts";
import { modelEffects } from "./options/models.ts";
import { readingEffects } from "./options/reading.ts";
import { scalingEffects } from "./options/scaling.ts";
import { trainingEffects } from "./options/training.ts";

const commands = allCommands(createProgram("0", () => undefined));
const workspace = createWorkspace();
const effects = [
  decodingEffects,
  readingEffects,
  modelEffects,
  trainingEffects,
  scalingEffects,
  creatingEffects,
  growingEffects,
  comparingEffects,
].flatMap((of) => of(workspace));

test("the effect of every option of every command is shown", () => {
  const defined = commands.flatMap(({ name, command }) => command.options.map(({ long }) => `${name} ${long}`));
  const shown = effects.flatMap(({ command, options }) => options.map((option) => `${command} ${option}`));
  assert.ok(defined.length > 150, `${defined.length}`);
  assert.deepEqual([...new Set(shown)].sort(), defined.sort());
});

test("the tests that are said to show an effect elsewhere exist and pass the option", () => {
  for (const { command, options, shown } of effects) {
    if (typeof shown === "function") continue;
    const [file, name] = shown;
    const source = readFileSync(join("test", file), "utf8");
    const begin = source.indexOf(`test("${name}"`);
    assert.ok(name !== "" && begin >= 0, `${file}: ${name}`);
    for (const option of options) {
      const passed = new RegExp(`["'\` ]${option}["'\` =]`);
      assert.match(source, passed, `${command} ${option} in ${file}`);
    }
  }
});

for (const { command, options, shown } of effects) {
  if (typeof shown === "function") test(`${command} ${options.join(" ")}`, shown);
}

test("wrong usage of a command names that command's help", async () => {
  for (const { name } of commands.filter(({ command }) => !command.commands.length && command.name() !== "launch")) {
    let said = "";
    const program = createProgram("0", (text) => {
      said += text;
    });
    await assert.rejects(program.parseAsync([...name.split(" "), "--no-such-option"], { from: "user" }));
    assert.ok(said.endsWith(`(spanfill ${name} --help shows its usage)\n`), said);
  }
});

/** Options of other programs that messages and code name. */
const FOREIGN: Readonly<Record<string, string>> = {
  "--help": "commander",
  "--format": "git log",
  "--silent": "npm",
  "--events": "scripts/test.mjs",
  "--max-semi-space-size": "Node.js",
  "--save-dev": "a text that is encoded as a check",
  "--standalone": "torchrun",
  "--nproc-per-node": "torchrun",
  "--git": "the first line of a patch",
  "--rm": "Docker",
  "--gpus": "Docker",
  "--model-repository": "NVIDIA Triton",
  "--exit-on-error": "NVIDIA Triton",
};

test("every option that a message names exists", () => {
  const known = new Set(commands.flatMap(({ command }) => command.options.map(({ long }) => long ?? "")));
  const unknown = new Set<string>();
  for (const folder of ["server", "models", "protocol", "base"]) {
    for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const source = readFileSync(join(folder, file), "utf8").replace(/^\s*(\/\/|\*|\/\*).*$/gm, "");
      for (const [, option = ""] of source.matchAll(/["'`(\s](--[a-z][a-zA-Z-]*[a-zA-Z])(?![\w-])/g)) {
        if (!known.has(option) && !Object.hasOwn(FOREIGN, option)) unknown.add(`${join(folder, file)}: ${option}`);
      }
    }
  }
  assert.deepEqual([...unknown], []);
});

test("every option that a message names with its command is one of that command", () => {
  const wrong: string[] = [];
  const names = commands.map(({ name }) => name).filter((name) => name !== "");
  const longestFirst = names.sort((a, b) => b.length - a.length);
  for (const folder of ["server", "models", "protocol", "base", "client", "docs", "."]) {
    for (const file of readdirSync(folder, { recursive: folder !== ".", encoding: "utf8" })) {
      if (!/\.(ts|md)$/.test(file) || file === "CHANGELOG.md") continue;
      const source = readFileSync(join(folder, file), "utf8");
      for (const [said = ""] of source.matchAll(/\bspanfill [a-z]+[^\n`"|>;)]*?(?=[\n`"|>;)])/g)) {
        const name = longestFirst.find((each) => said.startsWith(`spanfill ${each} `));
        const command = commands.find((each) => each.name === name)?.command;
        for (const [option] of command === undefined ? [] : said.matchAll(/(?<=\s)--[a-z][\w-]*/g)) {
          const exists = command?.options.some(({ long }) => long === option) || option === "--help";
          if (!exists) wrong.push(`${join(folder, file)}: ${said}`);
        }
      }
    }
  }
  assert.deepEqual(wrong, []);
});
