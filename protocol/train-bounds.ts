/** The least and most that whole-number settings of a training run may be; the command line, its requests and the panel agree on them. */
export const TRAIN_BOUNDS = {
  loraRank: [1, 1024],
  promptTokens: [1, 1000],
  epochs: [1, 1000],
  batchSize: [1, 4096],
  warmup: [0, 1_000_000],
  maxInputTokens: [16, 4096],
  maxTargetTokens: [2, 4096],
  maxBatchTokens: [64, 65_536],
  evaluateEvery: [1, 1_000_000],
  judged: [0, 10_000],
  patience: [0, 1000],
  seed: [0, 2 ** 31 - 1],
  threads: [1, 256],
} as const;
