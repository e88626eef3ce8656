import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { configJson, parseConfig } from "../../models/t5/config.ts";

const small = { model_type: "t5", vocab_size: 32128, d_model: 512, d_ff: 2048, d_kv: 64, num_heads: 8, num_layers: 6 };

test("a T5 1.0 config without optional keys gets transformers' defaults", () => {
  assert.deepEqual(parseConfig(small), {
    vocabSize: 32128,
    dModel: 512,
    dFf: 2048,
    dKv: 64,
    numHeads: 8,
    numLayers: 6,
    numDecoderLayers: 6,
    feedForward: "relu",
    sharedKeyValue: false,
    sharedHeads: false,
    talkingHeads: false,
    firstLayers: null,
    biasInEveryLayer: false,
    longAttention: null,
    experts: null,
    convolution: 0,
    fairseq: null,
    tieWordEmbeddings: true,
    scaleDecoderOutputs: true,
    relativeAttentionNumBuckets: 32,
    relativeAttentionMaxDistance: 128,
    layerNormEpsilon: 1e-6,
    dropoutRate: 0.1,
    padTokenId: 0,
    eosTokenId: 1,
    decoderStartTokenId: 0,
  });
});

const readings: [string, object, object][] = [
  ["its own number of decoder layers", { num_decoder_layers: 2 }, { numLayers: 6, numDecoderLayers: 2 }],
  [
    "null where a key has a default",
    { num_decoder_layers: null, eos_token_id: null },
    { numDecoderLayers: 6, eosTokenId: 1 },
  ],
  ["gated-gelu of T5 1.1", { feed_forward_proj: "gated-gelu" }, { feedForward: "gated-gelu" }],
  ["gated-silu of UL2", { feed_forward_proj: "gated-silu" }, { feedForward: "gated-silu" }],
  [
    "gated-gelu by its two derived keys",
    { dense_act_fn: "gelu_new", is_gated_act: true },
    { feedForward: "gated-gelu" },
  ],
  ["gated-silu by its two derived keys", { dense_act_fn: "silu", is_gated_act: true }, { feedForward: "gated-silu" }],
  [
    "feed_forward_proj before the derived keys",
    { feed_forward_proj: "relu", dense_act_fn: "gelu_new", is_gated_act: true },
    { feedForward: "relu" },
  ],
  ["an untied head", { tie_word_embeddings: false }, { tieWordEmbeddings: false, scaleDecoderOutputs: false }],
  [
    "a tied head without scaling, as transformers 5 saves T5 1.1",
    { tie_word_embeddings: true, scale_decoder_outputs: false },
    { tieWordEmbeddings: true, scaleDecoderOutputs: false },
  ],
  ["several end tokens: the first", { eos_token_id: [1, 5] }, { eosTokenId: 1 }],
  ["the pad token as decoder start", { pad_token_id: 3 }, { padTokenId: 3, decoderStartTokenId: 3 }],
  ["mT5's own defaults", { model_type: "mt5" }, { feedForward: "gated-gelu", scaleDecoderOutputs: false }],
  [
    "umT5's biases",
    { model_type: "umt5", tie_word_embeddings: false },
    { feedForward: "gated-gelu", biasInEveryLayer: true },
  ],
  ["one projection of keys and values", { shared_kv: true }, { sharedKeyValue: true }],
  ["one head of keys and values", { num_memory_heads: 1 }, { sharedHeads: true }],
  ["talking heads", { talking_heads: true }, { talkingHeads: true }],
  [
    "narrow first layers",
    { first_layers: { num_layers: 4, num_heads: 4, d_ff: 1024 } },
    { firstLayers: { numLayers: 4, numHeads: 4, dFf: 1024 } },
  ],
  [
    "LongT5's defaults",
    { model_type: "longt5" },
    { feedForward: "relu", longAttention: { localRadius: 127, globalBlockSize: null } },
  ],
  [
    "LongT5's global tokens",
    { model_type: "longt5", encoder_attention_type: "transient-global", local_radius: 63, global_block_size: 8 },
    { longAttention: { localRadius: 63, globalBlockSize: 8 } },
  ],
  [
    "a Switch Transformer's defaults",
    { model_type: "switch_transformers", num_experts: 8 },
    {
      feedForward: "relu",
      experts: { count: 8, capacity: 64, encoderLayers: 3, decoderLayers: 3, zLoss: 0.001, balanceLoss: 0.001 },
    },
  ],
  [
    "METRO-T0's defaults",
    { model_type: "fairseq_t5" },
    {
      fairseq: { maxPositions: 1024 },
      scaleDecoderOutputs: false,
      layerNormEpsilon: 1e-6,
      padTokenId: 1,
      eosTokenId: 2,
      decoderStartTokenId: 2,
    },
  ],
  ["squared ReLU of Primer", { feed_forward_proj: "squared-relu" }, { feedForward: "squared-relu" }],
  ["Primer's convolutions", { depthwise_conv_width: 3 }, { convolution: 3 }],
  ["squared ReLU by transformers' name", { dense_act_fn: "relu2" }, { feedForward: "squared-relu" }],
  ["a radius that is not a LongT5's", { local_radius: 63 }, { longAttention: null }],
  ["its own decoder start", { decoder_start_token_id: 7 }, { decoderStartTokenId: 7 }],
];
for (const [name, change, expected] of readings) {
  test(`reads ${name}`, () => {
    const config = Object.entries(parseConfig({ ...small, ...change })).filter(([key]) => key in expected);
    assert.deepEqual(Object.fromEntries(config), expected);
  });
}

test("a shape's config.json reads as the shape, whichever it is", () => {
  const changes = [
    ...readings.map(([, change]) => change),
    { model_type: "umt5", shared_kv: true, num_memory_heads: 1 },
  ];
  for (const change of changes) {
    const config = parseConfig({ ...small, ...change });
    assert.deepEqual(parseConfig(JSON.parse(JSON.stringify(configJson(config)))), config);
  }
});

const SWITCH = { ...small, model_type: "switch_transformers", num_experts: 8 };
const refusals: [string, unknown, RegExp][] = [
  ["experts without their number", { ...SWITCH, num_experts: null }, /lacks num_experts/],
  ["no experts", { ...SWITCH, num_experts: 0 }, /num_experts as 0/],
  ["experts without capacity", { ...SWITCH, expert_capacity: 0 }, /expert_capacity as 0/],
  [
    "more sparse layers than layers",
    { ...SWITCH, num_sparse_decoder_layers: 7 },
    /num_sparse_decoder_layers as 7, more/,
  ],
  ["routers in half precision", { ...SWITCH, router_dtype: "bfloat16" }, /routers in bfloat16/],
  ["routers with a bias", { ...SWITCH, router_bias: true }, /router_bias/],
  [
    "METRO-T0 with a feed-forward layer that its code lacks",
    { ...small, model_type: "fairseq_t5", feed_forward_proj: "gated-silu" },
    /gated-silu; a fairseq_t5 has relu or gated-gelu/,
  ],
  ["METRO-T0 with no positions", { ...small, model_type: "fairseq_t5", max_positions: 0 }, /max_positions as 0/],
  ["METRO-T0 with talking heads", { ...small, model_type: "fairseq_t5", talking_heads: true }, /which no METRO-T0 has/],
  [
    "METRO-T0 with convolutions",
    { ...small, model_type: "fairseq_t5", depthwise_conv_width: 3 },
    /which no METRO-T0 has/,
  ],
  ["an even kernel", { ...small, depthwise_conv_width: 4 }, /depthwise_conv_width as 4; it must be odd/],
  ["experts and convolutions", { ...SWITCH, depthwise_conv_width: 3 }, /no Primer has/],
  ["gated experts", { ...SWITCH, feed_forward_proj: "gated-gelu" }, /experts with gated-gelu/],
  ["experts and talking heads", { ...SWITCH, talking_heads: true }, /no Switch Transformer has/],
  ["a text", "t5", /not a JSON object/],
  ["a list", [small], /not a JSON object/],
  [
    "another model type",
    { ...small, model_type: "bart" },
    /model_type "bart", and only "t5", "mt5", "umt5", "longt5", "switch_transformers", "fairseq_t5" work here/,
  ],
  ["no model type", { ...small, model_type: undefined }, /model_type/],
  ["a missing size", { ...small, d_kv: undefined }, /d_kv/],
  [
    "missing sizes, naming all",
    { model_type: "t5", d_model: 8 },
    /lacks vocab_size, d_ff, d_kv, num_heads, num_layers/,
  ],
  ["a negative width", { ...small, d_model: -512 }, /d_model as -512/],
  ["no layers", { ...small, num_layers: 0 }, /num_layers as 0/],
  ["half a head", { ...small, num_heads: 7.5 }, /num_heads as 7.5/],
  ["a width in words", { ...small, d_ff: "2048" }, /d_ff as "2048"/],
  ["a width beyond any model", { ...small, d_ff: 1e12 }, /d_ff as 1000000000000/],
  [
    "an unknown activation",
    { ...small, feed_forward_proj: "gated-swish" },
    /"gated-swish"; relu, squared-relu, gated-gelu and gated-silu/,
  ],
  ["an ungated gelu", { ...small, feed_forward_proj: "gelu" }, /"gelu"; relu/],
  [
    "a pad token outside the vocabulary",
    { ...small, pad_token_id: 32128 },
    /pad_token_id as 32128.*vocabulary of 32128/,
  ],
  ["too short a distance for its buckets", { ...small, relative_attention_max_distance: 16 }, /more than 16/],
  ["a local radius of 0", { ...small, model_type: "longt5", local_radius: 0 }, /local_radius as 0/],
  ["a negative local radius", { ...small, model_type: "longt5", local_radius: -1 }, /local_radius as -1/],
  [
    "a local radius beyond any text",
    { ...small, model_type: "longt5", local_radius: 1e9 },
    /local_radius as 1000000000/,
  ],
  ["half a local radius", { ...small, model_type: "longt5", local_radius: 7.5 }, /local_radius as 7.5/],
  [
    "global blocks of no tokens",
    { ...small, model_type: "longt5", encoder_attention_type: "transient-global", global_block_size: 0 },
    /global_block_size as 0/,
  ],
  [
    "an encoder attention that no LongT5 has",
    { ...small, model_type: "longt5", encoder_attention_type: "etc" },
    /encoder attention "etc"; "local" and "transient-global" work/,
  ],
  ["a LongT5 with talking heads", { ...small, model_type: "longt5", talking_heads: true }, /which no LongT5 has/],
  ["an odd number of buckets", { ...small, relative_attention_num_buckets: 31 }, /num_buckets as 31/],
  ["more memory heads than one", { ...small, num_memory_heads: 2 }, /num_memory_heads as 2/],
  ["talking heads that share", { ...small, talking_heads: true, shared_kv: true }, /which no T5 has/],
  [
    "more narrow layers than layers",
    { ...small, first_layers: { num_layers: 7, num_heads: 4, d_ff: 1024 } },
    /first_layers.num_layers as 7; the stacks have 6 and 6/,
  ],
  ["an epsilon of 0", { ...small, layer_norm_epsilon: 0 }, /layer_norm_epsilon as 0/],
];
for (const [name, json, message] of refusals) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => parseConfig(json),
      (error) => error instanceof ModelError && error.code === "config" && message.test(error.message),
    );
  });
}

test("a configuration of 2019 has no model_type; one of quantized weights is refused by its method", () => {
  const { model_type: _, ...old } = small;
  assert.equal(parseConfig({ ...old, relative_attention_num_buckets: 32 }).dModel, 512);
  const quantized = { ...small, quantization_config: { quant_method: "gptq", bits: 4 } };
  assert.throws(() => parseConfig(quantized), /quantized by gptq, which is not read/);
});

test("a value out of range is named in plain words, not in those of a library", () => {
  for (const [wrong, message] of [
    [{ num_decoder_layers: 0 }, /gives num_decoder_layers as 0, where at least 1 is needed\. Take/],
    [{ num_layers: "six" }, /gives num_layers as "six", where "num_layers" must be a number\. Take/],
  ] as const)
    assert.throws(() => parseConfig({ ...small, ...wrong }), message);
});
