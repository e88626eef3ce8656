/** The product in this process with some of its experts only, to see what each of them is good for. */
import { parseSettings } from "../../protocol/settings.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { inlineCompletion } from "../../server/features/write/inline-completion.ts";
import type { Weights } from "../../server/features/write/typing/distribution.ts";
import { TOGETHER } from "../../server/features/write/typing/place-words.ts";
import { createPredictor } from "../../server/features/write/typing/predictor.ts";
import { createTyping, waitForever } from "../../server/features/write/typing/typing.ts";
import type { OpenedDocument, Shown, Suggester } from "./typist.ts";

const EXPERTS = {
  "the model": ["model"],
  "n-grams": ["english"],
  "the document": ["pairs", "words"],
} as const satisfies Readonly<Record<string, readonly (keyof Weights)[]>>;

/** Each expert alone, and all but each. */
export function ablations(): [name: string, weights: Weights][] {
  const names = Object.keys(EXPERTS) as (keyof typeof EXPERTS)[];
  return [
    ...names.map((name): [string, Weights] => [`only ${name}`, sharesOf([name])]),
    ...names.map((name): [string, Weights] => [`without ${name}`, sharesOf(names.filter((other) => other !== name))]),
  ];
}

/** The shares of some experts in proportion, together 1. */
function sharesOf(names: readonly (keyof typeof EXPERTS)[]): Weights {
  const some: (keyof Weights)[] = names.flatMap((name) => [...EXPERTS[name]]);
  const share = (name: keyof Weights) => (some.includes(name) ? TOGETHER[name] : 0);
  const total = share("model") + share("english") + share("pairs") + share("words");
  const scaled = (name: keyof Weights) => share(name) / total;
  return {
    ...{ model: scaled("model"), english: scaled("english"), pairs: scaled("pairs"), words: scaled("words") },
    workspace: 0,
  };
}

/**
 * A suggester that loads its model, and whose words are weighed by these shares.
 * @param id of a model, or its folder; empty for the built-in one
 */
export async function startWeighed(weights: Weights, id: string): Promise<Suggester & { dispose(): Promise<void> }> {
  const engine = createLocalEngine();
  const directory = resolveModel(id === "" ? undefined : id, { workingFolder: process.cwd() });
  const model = await engine.load({ directory, precision: "int8" });
  const typing = { ...createTyping(waitForever), predictor: createPredictor(weights) };
  const context = { model: async () => model, settings: parseSettings({}).settings, typing };
  let [name, before, after, opened] = ["", "", "", 0];
  return {
    async open(document: OpenedDocument) {
      ({ before, after } = document);
      name = `${opened++}/${document.name}`;
    },
    async type(removed, inserted): Promise<Shown> {
      const began = performance.now();
      before = before.slice(0, before.length - removed) + inserted;
      const params = { document: name, text: before + after, offset: before.length, explicit: false };
      const { items } = await inlineCompletion(context, params, new AbortController().signal);
      const [item] = items;
      const shown = item === undefined ? {} : { text: item.text, confidence: item.confidence };
      return { ...shown, ms: performance.now() - began };
    },
    async close() {},
    dispose: () => engine.dispose(),
  };
}
