/** Caches the encoder's latest results: a request about an unchanged window goes straight to decoding. */
import { LRUCache } from "lru-cache";
import type { GraphAdapter } from "../../../models/t5/adapters/adapters.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { layerWidths } from "../../../models/t5/weights.ts";
import type { Encoded, Runner } from "../search/runner.ts";

/** Wraps a runner so that it encodes the same rows only once while the result is among the latest `mostBytes`. */
export function cachingEncoder(runner: Runner, config: T5Config, mostBytes = MOST_BYTES): Runner {
  const kept = new LRUCache<string, Encoded>({
    maxSize: mostBytes,
    dispose: (encoded) => encoded.dispose(),
    noDisposeOnSet: true,
  });
  const adapters = numbering();
  return {
    ...runner,
    async encode(inputs, signal, adapter) {
      const longest = Math.max(...inputs.map(({ length }) => length));
      const bytes = encodedBytes(config, inputs.length * longest);
      if (bytes > mostBytes) return runner.encode(inputs, signal, adapter);
      const key = `${adapter === undefined ? 0 : adapters.of(adapter)} ${inputs.join(";")}`;
      const encoded = kept.get(key) ?? (await runner.encode(inputs, signal, adapter));
      kept.set(key, encoded, { size: bytes });
      return { ...encoded, dispose: () => undefined }; // the cache frees it
    },
    async dispose() {
      kept.clear();
      await runner.dispose();
    },
  };
}

/** Numbers adapters from 1 on, without keeping them. */
function numbering() {
  const numbers = new WeakMap<GraphAdapter, number>();
  let last = 0;
  return {
    of(adapter: GraphAdapter): number {
      const number = numbers.get(adapter) ?? ++last;
      numbers.set(adapter, number);
      return number;
    },
  };
}

/** Enough for several windows of a small model, or one or two of a base one. */
const MOST_BYTES = 32e6;

/** Bytes of the hidden states and each decoder layer's keys and values, in float32. */
export function encodedBytes(config: T5Config, length: number): number {
  let width = config.dModel;
  for (let i = 0; i < config.numDecoderLayers; i++) width += 2 * layerWidths(config, i).keyHeads * config.dKv;
  return 4 * length * width;
}
