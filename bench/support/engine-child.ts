/** Our engine as a contender of `bench infer`: loads a model once, then answers "generate" requests one at a time. */

import type { LoadedModel } from "../../server/engine/engine.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import type { ContenderReply, ContenderRequest } from "./contender.ts";

const engine = createLocalEngine();
let model: LoadedModel | undefined;
let shortlist: number | "off" = "off";

process.on("message", (request: ContenderRequest) => {
  answer(request).then(
    (reply) => process.send?.({ ok: true, ...reply }),
    (error: unknown) => process.send?.({ ok: false, message: String(error) }),
  );
});
process.send?.({ ok: true, ready: true });

async function answer(request: ContenderRequest): Promise<ContenderReply> {
  const started = performance.now();
  if (request.type === "load") {
    const { directory, precision, threads } = request;
    shortlist = request.shortlist ?? "off";
    model = await engine.load({ directory, precision, threads });
    return { loadMs: performance.now() - started };
  }
  if (model === undefined) throw new Error("generate before load");
  const processor = process.cpuUsage();
  let firstMs = 0;
  let firstCount = 0;
  const generation = await model.generate(
    {
      ...{ inputs: request.inputs, maxNewTokens: request.newTokens, shortlist },
      bannedTokens: [model.info.config.eosTokenId],
      numBeams: request.beams,
    },
    request.beams > 1 || request.inputs.length > 1
      ? {}
      : {
          onTokens: (ids) => {
            if (firstCount > 0) return;
            firstCount = ids.length;
            firstMs = performance.now() - started;
          },
        },
  );
  const totalMs = performance.now() - started;
  const { user, system } = process.cpuUsage(processor);
  const rows = generation.sequences.map(([best]) => best?.ids ?? []);
  return {
    totalMs,
    processorMs: (user + system) / 1000,
    firstTokenMs: firstMs,
    msPerToken: (totalMs - firstMs) / Math.max(1, (rows[0]?.length ?? 0) - firstCount),
    ids: rows,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}
