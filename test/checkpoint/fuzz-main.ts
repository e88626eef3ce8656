/** The long run of `npm run fuzz`: one reader in a process of its own, told by name. */
import { argv, exit } from "node:process";
import { fuzz, keep, readers } from "./fuzzing.ts";

const [name = "", seconds = "120", seedText = String(Date.now() % 2 ** 31)] = argv.slice(2);
const seed = Number(seedText);
if (name === "") {
  console.log(
    readers()
      .map((reader) => reader.name)
      .join("\n"),
  );
  exit(0);
}
const reader = readers().find((each) => each.name === name);
if (reader === undefined) throw new Error(`there is no reader ${name}`);
const { executions, outcomes, rssGrowthBytes, failure } = await fuzz(
  reader,
  { runs: Number.MAX_SAFE_INTEGER, timeMs: 1000 * Number(seconds) },
  seed,
);
const growth = Math.round(rssGrowthBytes / 1e6);
console.log(
  `${name.padEnd(17)} ${executions} files, ${outcomes} outcomes, ${growth} MB more memory at the end (seed ${seed})`,
);
if (failure !== undefined) {
  console.error(failure.error);
  console.error(`kept: ${keep(reader, failure.bytes)}`);
}
exit(failure === undefined && growth < 200 ? 0 : 1);
