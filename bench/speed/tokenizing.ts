/** The second half of `bench load`: loading of T5's tokenizer files, and tokens of prose per second. */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { createTokenizer } from "../../models/tokenizer/tokenizer.ts";

const FIXTURES = "test/fixtures/tokenizer";
const ROUNDS = 15;

/** Measures T5's tokenizer.json: loading, and README.md as prose. */
export function benchTokenizing(): void {
  const bytes = brotliDecompressSync(readFileSync(`${FIXTURES}/tokenizer.json.br`));
  const lines = readFileSync("README.md", "utf8").split("\n");
  const [loads, encodes]: [number[], number[]] = [[], []];
  let tokens = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    let beganMs = performance.now();
    const tokenizer = createTokenizer(JSON.parse(bytes.toString("utf8")));
    loads.push(performance.now() - beganMs);
    beganMs = performance.now();
    tokens = lines.reduce((sum, line) => sum + tokenizer.encode(line).length, 0);
    encodes.push(performance.now() - beganMs);
  }
  const encodeMs = median(encodes);
  console.log(`tokenizer.json loaded: ${median(loads).toFixed(0)} ms`);
  console.log(
    `README.md encoded, with a new tokenizer: ${encodeMs.toFixed(1)} ms, ${Math.round((1000 * tokens) / encodeMs)} tokens/s`,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
