/** `bench characters`: the benefit of the characters in T5's spare rows, on plain prose and on text with code. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, seededSample } from "../../models/random.ts";
import type { Tokenizer } from "../../models/tokenizer/tokenizer.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { trueFill } from "../../server/evaluation/fills.ts";
import { estimateSystems, ratio } from "../../server/metrics/estimate.ts";
import { calledFrom } from "../support/called-from.ts";
import { readDocuments, wordGaps } from "../support/kept-out.ts";
import { printTable } from "../support/table.ts";

/**
 * Compares a built-in model's vocabulary with T5's own, and the model's loss of true words with each, on documents it
 * has not seen.
 */
export async function benchCharacters(modelName: string | undefined, limit: number): Promise<void> {
  const own = resolveModel(modelName, { workingFolder: calledFrom() });
  const plain = mkdtempSync(join(tmpdir(), "spanfill-characters-"));
  const engine = createLocalEngine();
  try {
    cpSync(own, plain, { recursive: true });
    rmSync(join(plain, "spanfill.json")); // its sums are those of the other tokenizer
    writeFileSync(join(plain, "tokenizer.json"), withoutSpareRows(readFileSync(join(own, "tokenizer.json"), "utf8")));
    const documents = readDocuments();
    const groups = {
      prose: documents.filter(({ text }) => !hasCode(text)),
      "with code": documents.filter(({ text }) => hasCode(text)),
    };
    const rows = [["documents", "vocabulary", "come back whole, %", "unknown tokens, %", "tokens in 1,000 characters"]];
    for (const [name, group] of Object.entries(groups)) {
      for (const [vocabulary, directory] of Object.entries({ "with them": own, "T5's own": plain })) {
        rows.push([`${name} (${group.length})`, vocabulary, ...spelling(await readTokenizer(directory), group)]);
      }
    }
    printTable(rows);
    const prefixes = JSON.parse(readFileSync(join(own, "spanfill.json"), "utf8")) as { prefixes: object };
    writeFileSync(join(plain, "spanfill.json"), JSON.stringify({ id: "plain", prefixes: prefixes.prefixes }));
    const [with_, without] = [
      await engine.load({ directory: own, precision: "int8" }),
      await engine.load({ directory: plain, precision: "int8" }),
    ];
    const losses = [["words whose loss is measured", "with them, nats", "T5's own", "difference"]];
    for (const [name, group] of Object.entries(groups)) {
      const gaps = wordGaps(seededSample(group, Math.min(limit, group.length), seededRandom(20)));
      const [ours, plainly]: [number[], number[]] = [[], []];
      for (const gap of gaps) {
        const loss = async (model: typeof with_) => -(await trueFill(model, gap)).reduce((a, b) => a + b, 0);
        ours.push(await loss(with_));
        plainly.push(await loss(without));
      }
      const systems = [
        { name: "with", metrics: { loss: ratio(ours) } },
        { name: "without", metrics: { loss: ratio(plainly) } },
      ];
      const [mine, other] = estimateSystems([...gaps.keys()], systems, 0);
      const [first, second, gain] = [mine?.scores, other?.scores, other?.difference].map((one) => one?.["loss"]);
      const shown = (value = Number.NaN): string => value.toFixed(2);
      const difference = `${shown(gain?.mean)} (${shown(gain?.low)} to ${shown(gain?.high)})`;
      losses.push([`${name} (${gaps.length})`, shown(first?.mean), shown(second?.mean), difference]);
    }
    printTable(losses);
  } finally {
    await engine.dispose();
    rmSync(plain, { recursive: true });
  }
}

/** Inline code, code blocks, or lines indented as code. */
function hasCode(text: string): boolean {
  return /`|^(?: {4}|\t)\S/m.test(text);
}

function spelling(tokenizer: Tokenizer, documents: readonly { readonly text: string }[]): string[] {
  let [whole, unknown, tokens, characters] = [0, 0, 0, 0];
  for (const { text } of documents) {
    const ids = tokenizer.encode(text);
    whole += Number(tokenizer.decode(ids) === text);
    unknown += ids.filter((id) => id === tokenizer.unkId).length;
    tokens += ids.length;
    characters += text.length;
  }
  const share = (part: number, all: number) => ((100 * part) / all).toFixed(1);
  return [share(whole, documents.length), share(unknown, tokens), ((1000 * tokens) / characters).toFixed(0)];
}

/** T5's own vocabulary, without the added characters and length marks. */
function withoutSpareRows(json: string): string {
  const tokenizer = JSON.parse(json) as { added_tokens: { id: number }[] };
  return JSON.stringify({ ...tokenizer, added_tokens: tokenizer.added_tokens.filter(({ id }) => id < 32100) });
}
