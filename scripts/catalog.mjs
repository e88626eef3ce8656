// Makes models/catalog.json, the published T5 checkpoints, from the lists in a folder given as argument: catalog.json
// (t5-efficient), t5_family.json (T5 1.0, 1.1 and their kin). What those lists lack is in the tables below, with its
// source.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node scripts/catalog.mjs FOLDER");
  process.exit(2);
}
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));

/**
 * Raffel et al., table 14: test sets, after fine-tuning. GLUE and SuperGLUE are the benchmarks' averages, SQuAD is
 * exact match.
 */
const T5_PAPER = "arXiv 1910.10683, table 14";
const T5_SCORES = {
  small: { GLUE: 77.4, SuperGLUE: 63.3, SQuAD: 79.1 },
  base: { GLUE: 82.7, SuperGLUE: 76.2, SQuAD: 85.44 },
  large: { GLUE: 86.4, SuperGLUE: 82.3, SQuAD: 86.66 },
  "3b": { GLUE: 88.5, SuperGLUE: 86.4, SQuAD: 88.53 },
  "11b": { GLUE: 90.3, SuperGLUE: 88.9, SQuAD: 91.26 },
};
/** mT5: arXiv 2010.11934 and its config.json; the vocabulary is padded to 250,112. Widths are those of T5 1.1. */
const MT5_VOCABULARY = 250_112;
/** umT5: its config.json; without a large one. */
const UMT5_VOCABULARY = 256_384;
/** ByT5: arXiv 2105.13626, table 1: d_model, d_ff, heads, encoder and decoder layers. */
const BYT5 = {
  small: [1472, 3584, 6, 12, 4],
  base: [1536, 3968, 12, 18, 6],
  large: [1536, 3840, 16, 36, 12],
  xl: [2560, 6720, 32, 36, 12],
  xxl: [4672, 12352, 64, 36, 12],
};
/** The lists' notes that are worth showing: words of a note -> the text that is shown. */
const NOTES = [
  ["num_heads 32, d_kv 64", "Its heads are 32 of 64, not the 128 of 128 that XXL has."],
  ["d_kv inferred", "The width of its heads follows from tiny-nh8's file; its own configuration was not seen."],
  ["repo may not exist", "It may not exist: the folder that it was to be made from held no checkpoint."],
  ["d_ff inferred", "Its name says 2000, and its file's size that its feed-forward width is 1024."],
  ['meaning of "shared heads"', "What its heads share was not published: as a plain T5 it loads and scores wrong."],
  ["shared_kv=True", "Keys and values are one projection, as the code that trained it says."],
  ["the OTHER stack", "The stack that its name does not speak of has 12 layers, not Tiny's 4."],
];
const SIZES = ["small", "base", "large", "xl", "xxl"];
const LONG = { sh: "shared-heads", skv: "shared-key-values", shkv: "shared-heads-key-values" };

const efficient = read("catalog.json").map((row) => ({
  id: row.id,
  family: "t5-efficient",
  hub: row.weights_on_hub === false ? null : row.id,
  bucket: row.weights_at?.match(/^gs:\S+/)?.[0] ?? null,
  seen: row.id_status === "verified",
  config: shape({ ...row, ...(row.variant === "skv" && { shared_kv: true }) }, "relu", true),
  shapeFrom: {
    hf_config: "config",
    encoder_traced: "trace",
    "derived+size_checked": "size",
    derived: "name",
    derived_hypothesis: "guess",
  }[row.shape_status],
  variant: LONG[row.variant] ?? null,
  parameters: row.params,
  needsFineTuning: true,
  quality: [],
  notes: row.notes.flatMap((note) => NOTES.find(([words]) => note.includes(words))?.[1] ?? []),
}));
const family = read("t5_family.json").map((row) => {
  const first = /^t5-(\w+)$/.exec(row.id)?.[1];
  const hub = first === undefined ? (row.hf ?? null) : `google-t5/${row.id}`;
  const kind = /\.(lm100k|th|n4w10)\./.exec(row.id)?.[1];
  const scores = Object.entries(T5_SCORES[first] ?? {});
  return {
    id: hub ?? row.id,
    family:
      { lm100k: "t5-lm-adapted", th: "t5-talking-heads", n4w10: "t5-narrow-wide" }[kind] ??
      (first ? "t5-1.0" : "t5-1.1"),
    hub,
    bucket: row.mesh_tf,
    seen: true,
    config: shape({ ...row, ...special(row), vocab_size: 32_128 }, row.feed_forward, row.tied),
    shapeFrom: "config",
    variant: { th: "talking-heads", n4w10: "narrow-wide" }[kind] ?? null,
    parameters: row.params,
    needsFineTuning: first === undefined,
    quality: scores.map(([metric, value]) => ({ metric, value, source: T5_PAPER })),
    notes:
      kind === "n4w10"
        ? ["Of 14 layers in each stack the first 4 have half the heads and half the feed-forward width."]
        : [],
  };
});
const gated = SIZES.map((size) => family.find(({ id }) => id === `google/t5-v1_1-${size}`));
const flan = gated.map((row) => ({
  ...row,
  ...published(`google/flan-${row.id.slice(7).replace("v1_1-", "")}`, "flan-t5"),
  needsFineTuning: false,
}));
const mt5 = gated.map((row) => {
  const own = { ...row.config, model_type: "mt5", vocab_size: MT5_VOCABULARY };
  return {
    ...row,
    ...published(`google/mt5-${row.id.slice(15)}`, "mt5"),
    config: own,
    parameters: count(own),
  };
});
const umt5 = mt5
  .filter(({ id }) => !id.endsWith("large"))
  .map((row) => {
    const own = { ...row.config, model_type: "umt5", vocab_size: UMT5_VOCABULARY };
    const biases = 2 * 32 * own.num_heads * (own.num_layers - 1); // in every layer, not the first alone
    return {
      ...row,
      ...published(row.id.replace("mt5", "umt5"), "umt5"),
      config: own,
      parameters: count(own) + biases,
    };
  });
const byt5 = SIZES.map((size) => {
  const [d_model, d_ff, num_heads, num_layers, num_decoder_layers] = BYT5[size];
  const row = { d_model, d_ff, d_kv: 64, num_heads, num_layers, num_decoder_layers, vocab_size: 384 };
  const own = shape(row, "gated-gelu", false);
  return { ...gated[0], ...published(`google/byt5-${size}`, "byt5"), config: own, parameters: count(own) };
});

/**
 * LongT5: the checkpoints that google-research/longt5 lists, in the shapes of its gin files in google/flaxformer (T5
 * 1.1's; the radius is 127, a global token sums 16 tokens); apache-2.0 by their pages.
 */
const longt5 = ["local-base", "local-large", "tglobal-base", "tglobal-large", "tglobal-xl"].map((name) => {
  const [kind, size] = name.split("-");
  const row = gated.find(({ id }) => id.endsWith(`-${size}`));
  const global = kind === "tglobal" && { encoder_attention_type: "transient-global", global_block_size: 16 };
  const own = { ...row.config, model_type: "longt5", encoder_attention_type: "local", local_radius: 127, ...global };
  // A norm in each encoder layer, and the table of biases of global tokens.
  const more = global ? own.num_layers * own.d_model + 32 * own.num_heads : 0;
  return {
    ...row,
    ...published(`google/long-t5-${name}`, "longt5"),
    config: own,
    shapeFrom: "name",
    parameters: row.parameters + more,
  };
});

/**
 * UL2: the config.json of google/ul2 and google/flan-ul2, which are the same; apache-2.0 by both pages. It leaves
 * tie_word_embeddings out, so the output layer is the embedding, as transformers reads it.
 */
const ul2 = ["ul2", "flan-ul2"].map((name) => {
  const row = { d_model: 4096, d_ff: 16_384, d_kv: 256, num_heads: 16, num_layers: 32, vocab_size: 32_128 };
  const own = shape(row, "gated-silu", true);
  return {
    ...gated[0],
    ...published(`google/${name}`, name),
    config: own,
    parameters: count(own) - row.vocab_size * row.d_model,
    needsFineTuning: name === "ul2",
    notes:
      name === "ul2"
        ? ["Its modes are texts before the input: [NLU] for short gaps, [NLG] for long ones, [S2S] to go on."]
        : [],
  };
});

/**
 * Switch Transformers with ReLU: the checkpoints of docs/models.md of t5x, in the shapes of switch_base.gin and
 * switch_large.gin of google/flaxformer; apache-2.0 by their pages. The others of that list, xxl and c, have gated
 * experts or 2,048 of them.
 */
const switches = [8, 16, 32, 64, 128, 256, "large"].map((experts) => {
  const row =
    experts === "large"
      ? { d_model: 1024, d_ff: 4096, d_kv: 64, num_heads: 16, num_layers: 24, vocab_size: 32_128 }
      : { d_model: 768, d_ff: 3072, d_kv: 64, num_heads: 12, num_layers: 12, vocab_size: 32_128 };
  const num_experts = experts === "large" ? 128 : experts;
  const sparse = row.num_layers / 2;
  const own = {
    ...shape(row, "relu", true),
    ...{ model_type: "switch_transformers", num_experts, expert_capacity: 64 },
    ...{ num_sparse_encoder_layers: sparse, num_sparse_decoder_layers: sparse },
  };
  const more = 2 * sparse * ((num_experts - 1) * 2 * row.d_model * row.d_ff + num_experts * row.d_model);
  return {
    ...gated[0],
    ...published(`google/switch-${experts === "large" ? "large" : "base"}-${num_experts}`, "switch"),
    config: own,
    shapeFrom: "name",
    parameters: count(own) - row.vocab_size * row.d_model - 2 * row.num_layers * row.d_model * row.d_ff + more,
  };
});

/**
 * METRO-T0: the checkpoints of its README, in the shapes of transformer_t5.py and the yaml files beside it, as
 * convert_to_hf_checkpoint.py writes them. Neither their pages nor a license of the weights was seen; the code is MIT.
 */
const metro = ["base", "basepp", "largepp"].flatMap((size) =>
  ["t0", "t0p", "t0pp"].map((prompts) => {
    const row =
      size === "largepp"
        ? { d_model: 1024, d_ff: 4096, d_kv: 64, num_heads: 16, num_layers: 24, vocab_size: 64_512 }
        : {
            d_model: 768,
            d_ff: 3072,
            d_kv: 64,
            num_heads: 12,
            num_layers: 12,
            vocab_size: size === "base" ? 33_280 : 64_512,
          };
    const buckets = size === "largepp" ? 128 : 32;
    const own = {
      ...shape(row, "relu", true),
      ...{ model_type: "fairseq_t5", relative_attention_num_buckets: buckets, layer_norm_epsilon: 1e-5 },
    };
    const { d_model: D, d_ff: F, num_heads: H, num_layers: N, vocab_size: V } = row;
    const [attention, norm] = [4 * D * D + 4 * D, 2 * D];
    const layers = N * (3 * attention + 2 * (2 * D * F + F + D) + 5 * norm + buckets * H);
    return {
      ...published(`gonglinyuan/metro_${prompts}_${size}`, "metro-t0"),
      license: "not stated",
      seen: false,
      needsFineTuning: false,
      config: own,
      shapeFrom: "name",
      variant: null,
      parameters: V * D + layers + 2 * (1026 * D + norm),
      notes: ["Its authors' README lists it; neither its page nor its license was seen. Their code is MIT."],
    };
  }),
);

/** Tay et al., arXiv 2109.10686, table 4: [deep and narrow, the usual shape it stands beside, what the paper says]. */
const comparisons = [
  ["small-nl16", "base", "As good as Base with 40% fewer parameters and 37% fewer operations, and 40% quicker."],
  ["small-nl24", "base", "87% of Base's operations."],
  ["base-nl36", "large", "Better than Large with 16% fewer parameters."],
  ["large-nl36", "xl", "Better than XL on all three benchmarks with 37% of its parameters."],
  ["xl-nl32", "xxl", "Better than XXL with a third of its parameters and 44% of its operations, and 3 times quicker."],
]
  .map(([id, than, text]) => ({ id: `google/t5-efficient-${id}`, than: `google/t5-efficient-${than}`, text }))
  .filter(({ id }) => efficient.some((row) => row.id === id));

const models = [
  ...family,
  ...flan,
  ...efficient,
  ...mt5,
  ...umt5,
  ...byt5,
  ...longt5,
  ...switches,
  ...ul2,
  ...metro,
].map((row) => ({
  license: "apache-2.0",
  modelType: "t5",
  ...row,
}));
const catalog = { comparisons, models };
// A model a line, so that a change shows as one.
const lines = models.map((model) => `    ${JSON.stringify(model)}`).join(",\n");
writeFileSync(
  "models/catalog.json",
  `{\n  "comparisons": ${JSON.stringify(catalog.comparisons)},\n  "models": [\n${lines}\n  ]\n}\n`,
);
console.log(`${models.length} models`);

/** The keys of config.json that say the shape; those of other layers than T5's are our own (models/t5/config.ts). */
function shape(row, feed_forward_proj, tie_word_embeddings) {
  const { d_model, d_ff, d_kv, num_heads, num_layers, num_decoder_layers = num_layers, vocab_size } = row;
  const { shared_kv, talking_heads, first_layers } = row;
  const usual = { model_type: "t5", vocab_size, d_model, d_ff, d_kv, num_heads, num_layers, num_decoder_layers };
  return { ...usual, feed_forward_proj, tie_word_embeddings, shared_kv, talking_heads, first_layers };
}

/** Talking heads; and n4w10, whose first layers are half as wide. */
function special({ layer_groups, narrow_groups, num_heads_narrow, d_ff_narrow }) {
  if (layer_groups === undefined) return {};
  const first_layers = { num_layers: narrow_groups, num_heads: num_heads_narrow, d_ff: d_ff_narrow };
  return { num_layers: layer_groups, first_layers };
}

function published(hub, name) {
  return { id: hub, family: name, hub, bucket: null, quality: [], notes: [] };
}

/** Parameters of a gated, untied T5. */
function count({ vocab_size: V, d_model: D, d_ff: F, d_kv: K, num_heads: H, num_layers: E, num_decoder_layers: L }) {
  return (
    2 * V * D + E * (4 * D * H * K + 3 * D * F + 2 * D) + L * (8 * D * H * K + 3 * D * F + 3 * D) + 2 * D + 2 * 32 * H
  );
}
