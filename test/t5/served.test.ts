/** The graphs for servers beside transformers' logits and tokens, and rows of a batch beside each of them alone. */
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import type { Graph } from "../../models/graph/types.ts";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import type { TensorSource } from "../../models/t5/lowering/lowering.ts";
import { type ServedGraph, servedGraph } from "../../models/t5/served/served.ts";
import { layerWidths, tensorShapes } from "../../models/t5/weights.ts";
import {
  createSession,
  float32,
  float32Data,
  int32,
  type RuntimeTensor,
  type Session,
} from "../../server/engine/runtime/session.ts";
import {
  largestError,
  type ParityCase,
  type ParityModel,
  parityModels,
  parityWeights,
} from "../support/models/parity-model.ts";

type Feeds = Record<string, RuntimeTensor>;
type Rows = readonly (readonly number[])[];

const SUM = [1, -2, 3, -4, 5, -6, 7, -8];

/** Opens a model's graphs as they are asked for; each run's sum is checked. */
function opened(model: ParityModel) {
  const config = parseConfig(model.config);
  const weights = parityWeights(model);
  const places: TensorSource = new Map(
    [...tensorShapes(config)].map(([name, shape]) => [
      name,
      { dtype: "float32", shape, data: { path: name, offset: 0, length: 0 } },
    ]),
  );
  const sessions = new Map<ServedGraph, Session>();
  const run = async (which: ServedGraph, feeds: Feeds): Promise<Feeds> => {
    const graph = filled(servedGraph(config, places, SUM, which), weights);
    assert.deepEqual(Object.keys(feeds).sort(), graph.inputs.map(({ name }) => name).sort(), which);
    const session = sessions.get(which) ?? (await createSession(graph, { folder: ".", threads: 1, spin: false }));
    sessions.set(which, session);
    const { model_sum: sum, ...outputs } = await session.run(feeds);
    const batch = feeds["attention_mask"]?.dims[0] ?? 0;
    assert.deepEqual([sum?.dims, numbers(sum)], [[batch, 8], Array.from({ length: batch }, () => SUM).flat()]);
    return outputs;
  };
  const dispose = async () => {
    for (const session of sessions.values()) await session.dispose();
  };
  return { config, run, dispose };
}

function filled(graph: Graph, weights: ReadonlyMap<string, Float32Array>): Graph {
  const initializers = graph.initializers.map((initializer) => {
    const values = weights.get(initializer.value.name);
    if (values === undefined || initializer.data instanceof Uint8Array) return initializer;
    return { ...initializer, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
  });
  return { ...graph, initializers };
}

function numbers(tensor: RuntimeTensor | undefined): number[] {
  return Array.from(tensor?.data as ArrayLike<number>);
}

/** int32 [rows, columns], shorter rows filled behind. */
function whole(rows: Rows, fill = 0): RuntimeTensor {
  const width = Math.max(...rows.map(({ length }) => length));
  return int32(
    rows.flatMap((row) => [...row, ...Array<number>(width - row.length).fill(fill)]),
    [rows.length, width],
  );
}

function textOf(inputs: Rows, { padTokenId }: T5Config): Feeds {
  return { input_ids: whole(inputs, padTokenId), attention_mask: whole(inputs.map((ids) => ids.map(() => 1))) };
}

const each = (inputs: Rows, value: number) => whole(inputs.map(() => [value]));

async function logitsOf({ config, run }: ReturnType<typeof opened>, { inputs, targets }: ParityCase) {
  const tokens = targets.map((target) => [config.decoderStartTokenId, ...target.slice(0, -1)]);
  const text = textOf(inputs, config);
  const length = tokens[0]?.length ?? 0;
  const asked = { ...text, tokens: whole(tokens).reshape([tokens.length, 1, length]), first: each(inputs, 0) };
  const step = await run("step", { ...asked, candidates: each(inputs, -1) });
  const { hidden } = await run("encode", text);
  assert.ok(hidden !== undefined && text["attention_mask"] !== undefined);
  const encoded = { hidden, attention_mask: text["attention_mask"] };
  const cut = Math.max(1, Math.floor(length / 2));
  const begin = await run("decode", {
    ...{ ...encoded, ...noCache(config, tokens.length) },
    tokens: whole(tokens.map((row) => row.slice(0, cut))),
  });
  const past = Object.entries(begin).filter(([name]) => name.startsWith("present"));
  const rest = await run("decode", {
    ...{ ...encoded, ...Object.fromEntries(past.map(([name, value]) => [name.replace("present", "past"), value])) },
    tokens: whole(tokens.map((row) => row.slice(cut))),
  });
  const both = tokens.flatMap((_, row) =>
    [begin, rest].flatMap(({ logits }) => {
      const values = numbers(logits);
      return values.slice((row * values.length) / tokens.length, ((row + 1) * values.length) / tokens.length);
    }),
  );
  assert.ok(step["logits"] !== undefined);
  return { asked, step: float32Data(step["logits"]), decode: Float32Array.from(both) };
}

function noCache(config: T5Config, rows: number): Feeds {
  return Object.fromEntries(
    Array.from({ length: config.numDecoderLayers }, (_, i) =>
      ["key", "value"].map((part) => [
        `past_${part}_${i}`,
        float32(new Float32Array(0), [rows, layerWidths(config, i).keyHeads, 0, config.dKv]),
      ]),
    ).flat(),
  );
}

interface Asked {
  readonly input: readonly number[];
  readonly steps: number;
  readonly ngram: number;
  readonly banned: readonly number[];
  readonly stops: readonly number[];
  readonly candidates: readonly number[];
}

/** Greedy tokens of a batch, each row cut after its end. */
async function generated({ config, run }: ReturnType<typeof opened>, rows: readonly Asked[]): Promise<number[][]> {
  const feeds = {
    ...textOf(
      rows.map(({ input }) => input),
      config,
    ),
    tokens: whole(rows.map(() => [config.decoderStartTokenId])),
    ...{ steps: whole(rows.map(({ steps }) => [steps])), ngram: whole(rows.map(({ ngram }) => [ngram || 2 ** 30])) },
    banned: whole(
      rows.map(({ banned }) => [-1, ...banned]),
      -1,
    ),
    stops: whole(
      rows.map(({ stops }) => stops),
      -1,
    ),
    candidates: whole(
      rows.map(({ candidates }) => candidates),
      rows[0]?.candidates[0] ?? -1,
    ),
    bonuses: float32(new Float32Array(3 * rows.length), [rows.length, 3]),
  };
  const { ids } = await run("generate", feeds);
  const width = ids?.dims[1] ?? 0;
  return rows.map(({ stops, steps }, i) => {
    const row = numbers(ids).slice(i * width, i * width + Math.min(steps, width));
    const end = row.findIndex((id) => stops.includes(id));
    return end < 0 ? row : row.slice(0, end + 1);
  });
}

describe("graphs for servers", () => {
  for (const model of [...parityModels(), ...parityModels("architectures")]) {
    it(`${model.name}: transformers' logits and tokens`, async () => {
      const graphs = opened(model);
      const { config, run } = graphs;
      const [expected] = model.cases;
      assert.ok(expected !== undefined);
      const { asked, step, decode } = await logitsOf(graphs, expected);
      for (const logits of [step, decode]) assert.ok(largestError(logits, expected.logits) < 1e-3);
      const some = [5, 0, config.vocabSize - 1];
      const narrow = await run("step", { ...asked, candidates: whole(expected.inputs.map(() => some)) });
      assert.deepEqual(
        numbers(narrow["logits"]),
        Array.from({ length: step.length / config.vocabSize }, (_, at) =>
          some.map((id) => step[at * config.vocabSize + id]),
        ).flat(),
      );
      for (const { request, ids, compare = [] } of expected.generations) {
        const { maxNewTokens = 0, noRepeatNgramSize: ngram = 0, bannedTokens: banned = [], ...others } = request;
        if (Object.keys(others).length > 0 || compare.length === 0) continue;
        const stops = [config.eosTokenId];
        const rows = expected.inputs.map((input) => ({
          ...{ input, steps: maxNewTokens, ngram, banned, stops, candidates: [-1] },
        }));
        const tokens = await generated(graphs, rows);
        for (const [i, count] of compare.entries())
          assert.deepEqual(tokens[i]?.slice(0, count), ids[i]?.[0]?.slice(0, count));
      }
      await graphs.dispose();
    });
  }
});

test("rows of a batch have limits of their own", async () => {
  const model = parityModels().find(({ name }) => name === "gated-gelu-untied") ?? assert.fail();
  const graphs = opened(model);
  const inputs = model.cases[0]?.inputs ?? [];
  const [a = [], b = [], c = []] = inputs;
  const plain = { steps: 12, ngram: 1, banned: [], stops: [1], candidates: [-1] };
  const [, second = 0, third = 0] = (await generated(graphs, [{ ...plain, input: a }]))[0] ?? [];
  const rows: Asked[] = [
    { ...plain, input: a, stops: [third] },
    { ...plain, input: a, banned: [second], steps: 5 },
    { ...plain, input: b, ngram: 0 },
    { ...plain, input: c, candidates: [7, 1, 0, 90, 12] },
  ];
  const alone = await Promise.all(rows.map(async (row) => (await generated(graphs, [row]))[0]));
  assert.deepEqual(await generated(graphs, rows), alone);
  assert.equal(alone[0]?.length, 3);
  assert.ok(!alone[1]?.includes(second));
  assert.equal(new Set(alone[1]).size, 5);
  assert.ok(alone[3]?.every((id) => [7, 1, 0, 90, 12].includes(id)));
  await graphs.dispose();
});

test("shapes that other servers cannot run are named", () => {
  const shapes = [
    ["longt5", /LongT5.*spanfill serve --http/],
    ["switch", /Switch Transformer.*spanfill serve --http/],
    ["primer", /Primer.*spanfill serve --http/],
    ["fairseq", /METRO-T0.*spanfill serve --http/],
  ] as const;
  for (const [file, message] of shapes) {
    const config = parseConfig(parityModels(file)[0]?.config ?? {});
    assert.throws(() => servedGraph(config, new Map(), SUM, "step"), { code: "config", message });
  }
});
