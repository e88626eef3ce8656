// Property tests try the same cases in every run. SPANFILL_SEED=7 draws others, and SPANFILL_CASES=20 twenty times as
// many.
const WRAPPER = `
import fc from "fast-check";
const times = Number(process.env.SPANFILL_CASES ?? 1);
fc.configureGlobal({ seed: Number(process.env.SPANFILL_SEED ?? 1) });
const assert = (property, { numRuns = 100, ...rest } = {}) => fc.assert(property, { ...rest, numRuns: times * numRuns });
export default { ...fc, assert };
`;
const NAME = "fast-check";

/** An esbuild plugin: what imports fast-check gets it with those settings. */
export const sameCases = {
  name: "same-cases",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^fast-check$/ }, ({ namespace }) =>
      namespace === NAME ? { path: NAME, external: true } : { path: NAME, namespace: NAME },
    );
    onLoad({ filter: /.*/, namespace: NAME }, () => ({ contents: WRAPPER, loader: "js" }));
  },
};
