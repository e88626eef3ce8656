/**
 * CKA beside published implementations, and the states and gradients of a T5 beside transformers and PyTorch
 * (test/fixtures/training/make_comparison.py); the last states of the other architectures beside their references.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { batchOf } from "../../../models/t5/batch.ts";
import { type StatePlace, stateName } from "../../../models/t5/representation.ts";
import { LM_HEAD, layerCount } from "../../../models/t5/weights.ts";
import { linearCka, type Rows } from "../../../server/training/compare/cka.ts";
import { inputsLike, type Search } from "../../../server/training/compare/search.ts";
import { type Embedded, openStates, type StateModel } from "../../../server/training/compare/states.ts";
import { modelInMemory } from "../../support/models/gradient-fixture.ts";
import {
  type Digest,
  largestError,
  numbers,
  type ParityFile,
  parityModels,
} from "../../support/models/parity-model.ts";

interface Place extends StatePlace {
  readonly seed: number;
  readonly states: Digest;
  readonly gradient: Digest;
  readonly cka: number;
  readonly stir: number;
}
interface Fixture {
  readonly matrices: readonly {
    readonly tokens: number;
    readonly widths: readonly [number, number];
    readonly seed: number;
    readonly same: number;
    readonly stir: number;
    readonly ckatorch: number;
  }[];
  readonly models: readonly [string, string];
  readonly inputs: readonly number[][];
  readonly targets: readonly number[][];
  readonly places: readonly Place[];
}
const fixture: Fixture = JSON.parse(readFileSync("test/fixtures/training/comparison.json", "utf8"));
/** Largest error allowed, in standard deviations of the reference. */
const TOLERANCE = 1e-4;

/** Models of each kind of layer. */
const ARCHITECTURES: readonly (readonly [ParityFile, readonly string[]])[] = [
  ["models", ["relu-tied", "gated-silu-untied", "tied-unscaled", "deep-encoder", "odd-widths", "many-buckets"]],
  ["architectures", ["umt5", "byt5", "codet5", "t5-11b", "shkv", "talking-heads", "n4w10"]],
  ["switch", ["switch", "switch-tight"]],
  ["primer", ["primer", "primer-wide", "squared-relu"]],
];

/** The head's products with decoder states, [B * T, V]. */
function logitsOf(name: string, file: ParityFile, { values, width }: Rows): Float64Array {
  const { config, weights } = modelInMemory(name, file);
  const head = weights.get(config.tieWordEmbeddings ? "shared.weight" : LM_HEAD) ?? new Float32Array();
  const scale = config.scaleDecoderOutputs ? width ** -0.5 : 1;
  const V = head.length / width;
  return Float64Array.from({ length: (values.length / width) * V }, (_, i) => {
    const [row, id] = [Math.floor(i / V), i % V];
    let dot = 0;
    for (let d = 0; d < width; d += 1) dot += (values[row * width + d] ?? 0) * (head[id * width + d] ?? 0);
    return scale * dot;
  });
}

/** The weights of make.py: uniform in mean +- spread. */
function uniform(seed: number, count: number, mean: number, spread: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(numbers(seed, count), (bits) => mean + spread * ((bits >>> 8) / 2 ** 23 - 1));
}

describe("CKA", () => {
  for (const { tokens, widths, seed, same, stir, ckatorch } of fixture.matrices) {
    it(`is that of two published implementations (${tokens} tokens, ${widths.join(" and ")} wide)`, () => {
      const [a, b] = widths.map((width, i) => ({
        width,
        values: uniform(10 * seed + i, tokens * width, 0.3, 1),
      })) as [Rows, Rows];
      for (let row = 0; row < tokens; row += 1)
        for (let d = 0; d < Math.min(...widths); d += 1) {
          const at = row * b.width + d;
          b.values[at] = (b.values[at] ?? 0) + same * (a.values[row * a.width + d] ?? 0);
        }
      const value = linearCka(a, b);
      assert.ok(Math.abs(value - ckatorch) < 1e-6, `${value} instead of ${ckatorch}`);
      assert.ok(Math.abs(value - stir) < 1e-5, `${value} instead of ${stir}`);
    });
  }

  it("is 1 for a scaled rotation, and NaN for states that are the same for all tokens", () => {
    const a = { width: 2, values: uniform(1, 40, 0, 1) };
    const turned = a.values.map((value, i) =>
      i % 2 === 0 ? -3 * (a.values[i + 1] ?? 0) : 3 * (a.values[i - 1] ?? value),
    );
    assert.ok(Math.abs(linearCka(a, { width: 2, values: turned }) - 1) < 1e-6);
    assert.ok(Number.isNaN(linearCka(a, { width: 1, values: new Float32Array(20).fill(2) })));
  });
});

describe("the states of a T5", () => {
  const opened: StateModel[] = [];
  after(async () => {
    for (const model of opened) await model.dispose();
  });
  const open = async (name: string, file: ParityFile = "models") => {
    const { config, weights } = modelInMemory(name, file);
    const model = await openStates(config, weights, 1);
    opened.push(model);
    return model;
  };
  const rows = fixture.inputs.map((input, i) => ({ input, target: fixture.targets[i] ?? [] }));
  /** The seeded inputs of a place, in rows of all tokens. */
  const searched = (place: Place, real: Embedded): Embedded => ({
    ...real,
    [place.stack]: uniform(place.seed, real[place.stack].length, 0, 1.5),
  });

  it("are those of transformers after each layer, and so is CKA between two models", async () => {
    const [a, b] = [await open(fixture.models[0]), await open(fixture.models[1])];
    const batch = batchOf(a.config, rows);
    const [first, second] = [await a.states(batch, a.embed(batch)), await b.states(batch, b.embed(batch))];
    for (const place of fixture.places) {
      const [x, y] = [first, second].map((states) => states.get(stateName(place)));
      assert.ok(x !== undefined && y !== undefined);
      const error = largestError(x.values, place.states);
      assert.ok(error < TOLERANCE, `${stateName(place)}: ${error}`);
      assert.ok(Math.abs(linearCka(x, y) - place.cka) < TOLERANCE, `${stateName(place)}: ${linearCka(x, y)}`);
      const other = (await a.states(batch, searched(place, a.embed(batch)))).get(stateName(place));
      assert.ok(other !== undefined && Math.abs(linearCka(x, other) - place.stir) < TOLERANCE);
    }
  });

  it("have PyTorch's gradient of their distance from others", async () => {
    const model = await open(fixture.models[0]);
    const batch = batchOf(model.config, rows);
    for (const place of fixture.places.filter(({ layer }) => layer > 0)) {
      const distance = await model.openDistance(batch, place, "squared");
      const { gradient } = await distance.at(searched(place, model.embed(batch)));
      await distance.dispose();
      const lengths = (place.stack === "encoder" ? fixture.inputs : fixture.targets).map((row) => row.length);
      const rowsOf = (row: number, length: number) => {
        const from = row * Math.max(...lengths) * model.config.dModel;
        return Array.from(gradient).slice(from, from + length * model.config.dModel);
      };
      const real = Float64Array.from(lengths.flatMap((length, row) => rowsOf(row, length)));
      const error = largestError(real, place.gradient);
      assert.ok(error < TOLERANCE, `${stateName(place)}: ${error}`);
    }
  });

  it("come near those of a text in a search, which is seeded and can be stopped", async () => {
    const model = await open(fixture.models[0]);
    const batch = batchOf(model.config, rows);
    const place = { stack: "encoder", layer: 1 } as const;
    const signal = new AbortController().signal;
    const search = (steps: number, seed = 1, rule: Search = "adam") =>
      inputsLike(model, batch, place, { search: rule, steps, seed, signal });
    const [start, near, again, other] = [await search(0), await search(300), await search(300), await search(300, 2)];
    assert.ok(near.left < start.left / 5, `${start.left}, then ${near.left}`);
    const authors = await search(300, 1, "normalized");
    assert.ok(authors.left < start.left / 2, `${start.left}, then ${authors.left}`);
    assert.ok(near.left < authors.left, `${near.left}, and ${authors.left}`);
    assert.deepEqual(again, near);
    assert.notDeepEqual(other.embedded, near.embedded);
    const stop = { search: "adam" as const, steps: 300, seed: 1, signal: AbortSignal.abort() };
    await assert.rejects(inputsLike(model, batch, place, stop), { name: "AbortError" });
  });

  for (const [file, names] of ARCHITECTURES)
    for (const name of names)
      it(`end as its reference's (${name})`, async () => {
        const model = await open(name, file);
        const expected = parityModels(file).find((one) => one.name === name)?.cases[0];
        assert.ok(expected !== undefined);
        const { inputs, targets } = expected;
        const batch = batchOf(
          model.config,
          inputs.map((input, i) => ({ input, target: targets[i] ?? [] })),
        );
        const states = await model.states(batch, model.embed(batch));
        const last = (stack: "encoder" | "decoder") =>
          states.get(stateName({ stack, layer: layerCount(model.config, stack) })) ?? {
            values: new Float32Array(),
            width: 1,
          };
        const errors = [
          largestError(last("encoder").values, expected.encoder),
          largestError(logitsOf(name, file, last("decoder")), expected.logits),
        ];
        assert.ok(Math.max(...errors) < TOLERANCE, `errors ${errors.join(", ")}`);
      });
});
