/** What the advisor chooses for models, machines and data of several sizes, and that it says why. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../../models/t5/config.ts";
import { type AdviceRequest, advise } from "../../../server/training/run/advisor.ts";

const GB = 1e9;
const shape = (d: number, ff: number, heads: number, layers: number) =>
  parseConfig({
    model_type: "t5",
    vocab_size: 32128,
    d_model: d,
    d_ff: ff,
    d_kv: 64,
    num_heads: heads,
    num_layers: layers,
  });
const tiny = shape(256, 1024, 4, 2);
const small = shape(512, 2048, 8, 6);
const base = shape(768, 3072, 12, 12);
const request = (changed: Partial<AdviceRequest>): AdviceRequest => ({
  kind: undefined,
  checkpointing: undefined,
  methods: {
    full: { kind: "full", freezeEmbedding: false },
    lora: { kind: "lora", targets: ["q", "v"], rank: 16, alpha: 32, dropoutRate: 0 },
    bottleneck: { kind: "bottleneck", layout: "houlsby", width: 16, scale: 1 },
    prompt: { kind: "prompt", tokens: 20, firstId: 32100 },
  },
  size: { optimizer: "adafactor", maxBatchTokens: 4096, maxInputTokens: 512 },
  tokens: 1e6,
  steps: 1e3,
  threads: 2,
  freeBytes: 16 * GB,
  ...changed,
});

const cases: [what: string, ...Parameters<typeof advise>, kind: string, checkpointing: boolean, reason: RegExp][] = [
  ["a small model", tiny, request({}), "full", false, /^Every weight learns, for the model is small \(12 M/],
  ["a large model", base, request({ freeBytes: 32 * GB }), "lora", false, /^LoRA .* for the model is large \(223 M/],
  [
    "a large model, little memory",
    base,
    request({ freeBytes: 5 * GB }),
    "lora",
    true,
    /each layer computed twice to save memory/,
  ],
  ["little memory", small, request({ freeBytes: 3.2 * GB }), "full", true, /each layer computed twice/],
  [
    "very little memory",
    small,
    request({ freeBytes: 0.6 * GB }),
    "lora",
    true,
    /for everything would not fit in memory/,
  ],
  ["much data", small, request({ tokens: 5e7 }), "lora", false, /would take roughly \d+ hours/],
  [
    "what the user wants",
    base,
    request({ kind: "full", checkpointing: false }),
    "full",
    false,
    /^Every weight learns, as asked/,
  ],
  ["a soft prompt", tiny, request({ kind: "prompt" }), "prompt", false, /^A soft prompt learns, as asked/],
];
for (const [what, config, asked, kind, checkpointing, reason] of cases) {
  test(`advises on ${what}`, () => {
    const advice = advise(config, asked);
    assert.deepEqual([advice.method.kind, advice.checkpointing], [kind, checkpointing], advice.reason);
    assert.match(advice.reason, reason);
    assert.match(advice.reason, /about [\d.]+ [MG]B of the [\d.]+ [MG]B that are free/);
  });
}
