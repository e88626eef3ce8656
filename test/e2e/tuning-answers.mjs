// What the extension would answer the panel's fine-tuning page: made-up runs of every kind, for looks, keyboard and
// accessibility.

const model = (id, change = {}) => ({
  ...{ id, family: "t5-efficient", bucket: null, variant: null, shapeFrom: "config", seen: true, downloadable: true },
  ...{
    layers: 4,
    decoderLayers: 4,
    dModel: 256,
    dFf: 1024,
    dKv: 64,
    heads: 4,
    vocabulary: 32_128,
    feedForward: "relu",
  },
  ...{
    parameters: 15_570_688,
    downloadBytes: 62_282_752,
    memoryBytes: { float32: 62_282_752, int8: 17e6 },
    flops: 4e9,
  },
  ...{ needsFineTuning: false, license: "apache-2.0", quality: [], measurements: [], notes: [] },
  installed: { directory: `/models/${id}`, sizeBytes: 62e6, removable: true },
  ...change,
});
/** The built-in model. */
export const OWN = "t5-tiny-own";
const measured = (device, precision, tokensPerSecond, firstTokenMs, memoryBytes) => ({
  ...{ id: OWN, device, precision, tokensPerSecond, firstTokenMs, memoryBytes },
  ...{ loadMs: 340, at: "2026-11-21T12:00:00Z" },
});
const models = [
  model("meeting-notes", { adapterOf: "t5-tiny-own", family: "adapter" }),
  model(OWN, {
    ...{ family: "built-in", parameters: 11_898_112, layers: 2, decoderLayers: 2 },
    measurements: [
      measured("cpu", "int8", 620, 38, 158e6),
      measured("cpu", "float32", 132, 33, 226e6),
      measured("webgpu", "float32", 890, 12, 412e6),
    ],
  }),
  model("google/t5-efficient-tiny", { needsFineTuning: true }),
  model("google-t5/t5-small", { family: "t5-1.0", parameters: 60_506_624, layers: 6, decoderLayers: 6, dModel: 512 }),
  ...["intents", "intents-again", "articles"].map((id) => model(id, { family: "tuned" })),
];

const words = "the harbour was built when railway reached coast and merchants needed a place to load coal".split(" ");
const sentence = (seed, length) => Array.from({ length }, (_, i) => words[(seed * 7 + i * 5) % words.length]).join(" ");
const interval = (mean) => ({ mean, low: Math.max(0, mean - 0.06), high: Math.min(1, mean + 0.06) });
const LABELS = ["card_arrival", "lost_card", "exchange_rate", "top_up", ""];

function evaluation(step, share, classify) {
  const samples = Array.from({ length: 6 }, (_, i) => {
    const input = `${classify ? "classify: " : "summarize: "}${sentence(i, classify ? 9 : 60)}`;
    const target = classify ? LABELS[i % 4] : sentence(i + 3, 9);
    const right = i / 6 < share !== (i === 0);
    return { input, target, output: right ? target : classify ? LABELS[(i + 1) % 4] : sentence(i + 4, 7) };
  });
  const metrics = classify
    ? { accuracy: interval(share), macroF1: interval(share - 0.05) }
    : {
        rouge1: interval(share),
        rouge2: interval(share / 2),
        rougeL: interval(share - 0.04),
        exact: interval(share / 9),
      };
  const right = Math.round(40 * share);
  const counts = LABELS.map((_, truth) =>
    LABELS.map((_, said) =>
      truth === 4 ? 0 : truth === said ? right : said === (truth + 1) % 4 ? 36 - right : said === 4 ? 4 : 0,
    ),
  );
  const confusion = classify ? { confusion: { labels: LABELS, counts } } : {};
  return {
    step,
    loss: step === 0 ? null : 5 - 3 * share,
    validation: 5.2 - 3.1 * share,
    metrics,
    samples,
    ...confusion,
  };
}

function run(id, title, state, { classify = true, at = 600, steps = 600, ...change } = {}) {
  const evaluations = [0, 100, 200, 300, 400, 500, 600].filter((step) => step <= at);
  const done = evaluations.map((step, i) => evaluation(step, 0.12 + 0.68 * (1 - 0.55 ** i), classify));
  const curve = Array.from({ length: at }, (_, i) => ({
    step: i + 1,
    loss: 1.2 + 4 / Math.sqrt(1 + i / 25) + 0.4 * Math.sin(i * 12.9898) * Math.cos(i * 78.233),
    ...{ learningRate: 0.001, gradientNorm: 1.3, tokensPerSecond: 2450, memoryBytes: 612e6 },
  }));
  const score = ({ step, validation, metrics }) => ({
    ...{ step, validation },
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, { mean }]) => [name, mean])),
  });
  const task = classify ? "classify" : "summarize";
  const request = {
    task,
    data: `/data/${classify ? "banking" : "articles"}.jsonl`,
    base: OWN,
    epochs: 6,
    seed: 1,
    ...change.request,
  };
  const summary = {
    ...{
      id,
      title,
      state,
      startedAt: "2026-03-04T09:30:00Z",
      request,
      model: title,
      usable: at >= 100,
      step: at,
      steps,
    },
    ...(state === "running" && { secondsLeft: 252 }),
    ...(done.length > 0 && { base: score(done[0]) }),
    ...(done.length > 1 && { best: score(done.at(-1)) }),
    ...(change.message && { message: change.message }),
  };
  const plan = {
    ...{
      type: "plan",
      task,
      base: OWN,
      out: `/models/${title}`,
      method: "full",
      examples: 1600,
      validationExamples: 160,
      steps,
    },
    reason:
      "Every weight learns, for the model is small (12 M parameters) and the run short: about 610 MB of the 9000 that are free.",
    ...{ learnedParameters: 11_898_112, parameters: 11_898_112, notes: ["2 rows of banking.jsonl are empty: 14, 90."] },
  };
  const incidents =
    at > 300
      ? [
          { kind: "paused", step: 250 },
          { kind: "rollback", step: 310, toStep: 300, learningRate: 5e-4 },
        ]
      : [];
  return { summary, plan, step: at, pause: "no", latest: curve.at(-1), curve, evaluations: done, incidents };
}

export const RUNS = {
  done: run("r1", "intents", "done"),
  second: run("r2", "intents-again", "done", { request: { learningRate: 0.003, epochs: 8 } }),
  running: run("r3", "articles", "running", { classify: false, at: 350 }),
  paused: run("r4", "titles", "paused", { classify: false, at: 120 }),
  failed: run("r5", "too-large", "failed", {
    at: 0,
    message: "There is no room on the disk: 2.1 GB are needed and 300 MB free. Free some, then resume.",
  }),
};

const lengths = (median, long, most, limit) => ({ least: 3, median, long, most, limit });
const CHECK = {
  ...{
    data: "/data/banking.jsonl",
    task: "classify",
    columns: { text: "query", label: "category" },
    available: ["query", "category", "id"],
  },
  ...{ prefix: "classify: ", examples: 1600, validationExamples: 160 },
  ...{ inputTokens: lengths(18, 540, 600, 512), targetTokens: lengths(4, 7, 9, 32) },
  labels: { card_arrival: 500, lost_card: 450, exchange_rate: 400, top_up: 12 },
  notes: ["2 rows of banking.jsonl are empty: 14, 90.", "The label top_up has only 12 examples."],
  preview: [0, 1, 2].map((i) => ({
    ...{
      place: `banking.jsonl, row ${i + 1}`,
      input: `classify: ${sentence(i, 40)}`,
      inputTokens: 44,
      target: LABELS[i],
      targetTokens: 4,
    },
  })),
};
const FIT = {
  ...{
    method: "full",
    reason: "Every weight learns, for the model is small (12 M parameters) and the run short.",
    checkpointing: false,
  },
  ...{
    memoryBytes: 612e6,
    freeMemoryBytes: 9e9,
    diskBytes: 180e6,
    freeDiskBytes: 44e9,
    examples: 1600,
    steps: 600,
    seconds: 540,
    fits: true,
  },
};

const likeness = (stack, figures) => figures.map((cka, layer) => ({ stack, layer, other: layer, cka }));
const COMPARISON = {
  ...{ first: OWN, second: "/models/intents", examples: 16, tokens: 640, notes: [] },
  layers: [...likeness("encoder", [0.999, 0.962, 0.874]), ...likeness("decoder", [0.997, 0.811, 0.436])],
  losses: [
    { kind: null, first: 3.412, second: 0.287 },
    { kind: "typos", first: 3.55, second: 0.461 },
    { kind: "dropped", first: 3.478, second: 0.39 },
    { kind: "swapped", first: 3.42, second: 0.301 },
    { kind: "repeated", first: 3.437, second: 0.282 },
    { kind: "case", first: 3.604, second: 0.655 },
  ],
};

/** By the question's kind. */
export const TUNING_ANSWERS = {
  models: { models, jobs: [], builtIn: OWN },
  chosen: {
    model: "",
    summarize: "",
    infill: "",
    ask: "",
    classify: "",
    precision: "int8",
    device: "auto",
    threads: 0,
  },
  devices: {
    found: [
      { device: "cpu", state: "usable", detail: "Intel(R) Xeon(R) Processor, 2 cores" },
      {
        ...{ device: "webgpu", state: "usable" },
        detail: "Runs the float32 weights, whatever the precision; measure it beside the CPU.",
      },
      { device: "dml", state: "missing", detail: "It is a part of Windows." },
      { device: "coreml", state: "missing", detail: "It is a part of macOS." },
      {
        ...{ device: "cuda", state: "failed" },
        detail: "It does not compute: CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version.",
      },
    ],
    choice: { device: "webgpu", reason: "the quickest as measured: 84 ms for 512 tokens in and 64 out; CPU 141 ms" },
  },
  runs: { runs: Object.values(RUNS).map(({ summary }) => summary) },
  run: Object.values(RUNS),
  checkData: CHECK,
  fit: FIT,
  pace: {
    ...{ on: "ray://cluster.example", workers: 8 },
    there: { tokensPerSecond: 21000, firstStepSeconds: 24 },
    here: { tokensPerSecond: 1400, firstStepSeconds: 3 },
  },
  compareRun: COMPARISON,
  pickData: "/data/banking.jsonl",
  startRun: { ...RUNS.running.summary, id: "r9", title: "classify-banking", step: 0, state: "starting", usable: false },
  removeRun: { freedBytes: 48e6 },
};
