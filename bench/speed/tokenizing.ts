/** The second half of `bench load`: loading of tokenizers, and tokens of prose per second, in processor time. */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { createByteTokenizer } from "../../models/tokenizer/bytes.ts";
import { createSentencePieceTokenizer } from "../../models/tokenizer/sentencepiece/tokenizer.ts";
import { createTokenizer, type Tokenizer } from "../../models/tokenizer/tokenizer.ts";

const FIXTURES = "test/fixtures/tokenizer";
const ROUNDS = 15;

/** Measures T5's two tokenizer files and ByT5's bytes: loading, and README.md as prose, each time anew. */
export function benchTokenizing(): void {
  const unpacked = (name: string) => brotliDecompressSync(readFileSync(`${FIXTURES}/${name}.br`));
  const [json, spiece] = [unpacked("tokenizer.json"), unpacked("spiece.model")];
  const kinds: Readonly<Record<string, () => Tokenizer>> = {
    "tokenizer.json": () => createTokenizer(JSON.parse(json.toString("utf8"))),
    "spiece.model": () => createSentencePieceTokenizer(spiece),
    "ByT5's bytes": () => createByteTokenizer(),
  };
  const lines = readFileSync("README.md", "utf8").split("\n");
  for (const [name, create] of Object.entries(kinds)) {
    const [loads, encodes]: [number[], number[]] = [[], []];
    let tokens = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const [loadMs, tokenizer] = timed(create);
      const [encodeMs, count] = timed(() => lines.reduce((sum, line) => sum + tokenizer.encode(line).length, 0));
      loads.push(loadMs);
      encodes.push(encodeMs);
      tokens = count;
    }
    const encodeMs = median(encodes);
    const rate = `${Math.round((1000 * tokens) / encodeMs)} tokens/s`;
    console.log(
      `${name}: loaded in ${median(loads).toFixed(1)} ms, README.md encoded in ${encodeMs.toFixed(1)} ms, ${rate}`,
    );
  }
}

/** A result and the milliseconds of processor time that it took. */
function timed<T>(work: () => T): [number, T] {
  const began = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(began);
  return [(user + system) / 1000, result];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
