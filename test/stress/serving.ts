/** A served model for many clients: batches, two minutes of load, and its process killed in mid-request. */
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../models/random.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";
import { type ConfiguredRunner, openOnServer } from "../../server/engine/process/server.ts";
import { openRunner } from "../../server/engine/runtime/ort/runner.ts";
import { quantile } from "./client.ts";
import { checked, type Finding, none, type Part, type Scale } from "./part.ts";
import { type Load, load, NAME, startServer } from "./serving-load.ts";

const MODEL = `models/builtin/${NAME}`;

/** The part of batches: two servers take turns, so that both see the same machine. */
export const batches: Part = {
  name: "batches",
  title: "A served model with batches and without",
  async run({ isLong, env }: Scale): Promise<Finding[]> {
    const servers = [await startServer(env, "--batch", "1"), await startServer(env)];
    const rates: number[][] = [[], []];
    const each = { clients: 16, seconds: isLong ? 15 : 5, steps: 32, width: 24 };
    for (let round = 0; round < 3; round += 1)
      for (const [i, { grpcUrl }] of servers.entries()) {
        const { tokens, seconds } = await load(grpcUrl, each);
        if (round > 0) rates[i]?.push(tokens / seconds); // the first warms up
      }
    await Promise.all(servers.map((server) => server.end()));
    const [alone = 0, together = 0] = rates.map((list) => list.reduce((sum, rate) => sum + rate, 0) / list.length);
    const ratio = together / alone;
    return [
      { what: "tokens a second for 16 clients, one request at a time", figure: alone.toFixed(0) },
      { what: "tokens a second for 16 clients, batches of up to 16 rows", figure: together.toFixed(0) },
      checked("ratio", ratio.toFixed(2), "1.5", ratio >= 1.5),
    ];
  },
};

/** The part of load. */
export const editors: Part = {
  name: "editors",
  title: "64 clients of one served model for two minutes",
  async run({ env }: Scale): Promise<Finding[]> {
    const server = await startServer(env);
    const parts: Load[] = [];
    const memory: number[] = [];
    for (let part = 0; part < 8; part += 1) {
      parts.push(await load(server.url, { clients: 64, seconds: 15, steps: 32, width: 24 }));
      memory.push(server.residentMegabytes());
    }
    const batch = (await server.metric("spanfill_batch_rows_sum")) / (await server.metric("spanfill_batch_rows_count"));
    const waiting = await server.metric("spanfill_waiting");
    await server.end();
    const sum = (of: (part: Load) => number) => parts.reduce((total, part) => total + of(part), 0);
    const ms = parts.flatMap((part) => part.ms);
    const at = (part: number) => `${quantile(ms, part).toFixed(0)} ms`;
    const grown = (memory.at(-1) ?? 0) - (memory[1] ?? 0);
    return [
      {
        what: "requests answered, tokens",
        figure: `${sum(({ answered }) => answered)}, ${sum(({ tokens }) => tokens)}`,
      },
      { what: "tokens a second", figure: (sum(({ tokens }) => tokens) / sum(({ seconds }) => seconds)).toFixed(0) },
      {
        what: "from request to answer of up to 32 tokens: p50, p95, p99",
        figure: [0.5, 0.95, 0.99].map(at).join(", "),
      },
      { what: "rows of a batch, mean", figure: batch.toFixed(1) },
      none(
        "requests lost",
        sum(({ lost }) => lost),
      ),
      none(
        "requests refused",
        sum(({ refused }) => refused),
      ),
      none("requests that wait afterwards", waiting),
      { what: "memory each 15 s", figure: `${memory.map((megabytes) => megabytes.toFixed(0)).join(", ")} MB` },
      checked("memory grown after the first half minute", `${grown.toFixed(0)} MB`, "40 MB at most", grown <= 40),
    ];
  },
};

const CHUNKS = 3;

/** A text's greedy tokens, as many as three requests bring. */
async function written(runner: ConfiguredRunner, ids: readonly number[]): Promise<number[]> {
  const encoded = await runner.encode([ids]);
  let state = encoded.start(1);
  const history: number[] = [];
  const { decoderStartTokenId: startTokenId, eosTokenId } = runner.config;
  const limits = { steps: 16, noRepeatNgramSize: 3, bannedTokens: [eosTokenId], stopTokens: [], startTokenId };
  try {
    for (let i = 0; i < CHUNKS; i += 1) {
      const produced = await state.greedy([history.at(-1) ?? startTokenId], [history], { ...limits, copying: null });
      state = produced.state;
      history.push(...(produced.ids[0] ?? []));
    }
    return history;
  } finally {
    state.dispose();
    encoded.dispose();
  }
}

/** Read anew each time. */
function deviceOf({ device }: { readonly device: string }): string {
  return device;
}

/** The part of kills. */
export const serveKills: Part = {
  name: "serving",
  title: "A served model killed in mid-request",
  async run({ env }: Scale): Promise<Finding[]> {
    const kills = 50;
    const random = seededRandom(26);
    const cpu = await openRunner(MODEL, "float32", 1);
    let server = await startServer(env, "--threads", "1");
    const ports = [server.url, server.grpcUrl].map((url) => new URL(url).host);
    const seen = { answered: 0, wrong: 0, byCpu: 0, notices: 0, back: 0 };
    for (const over of ["http", "grpc"]) {
      const opened = await openOnServer({
        ...{ directory: MODEL, tokenizer: readTokenizer(MODEL), pausesMs: [50] },
        openOnCpu: async (): Promise<ConfiguredRunner> => openRunner(MODEL, "float32", 1),
        connection: { url: `${over}://${ports[over === "http" ? 0 : 1]}` },
        onFallback: () => {
          seen.notices += 1;
        },
      });
      for (let i = 0; i < kills / 2; i += 1) {
        const ids = [...Array.from({ length: 12 }, () => 100 + Math.floor(random() * 20_000)), 1];
        const expected = await written(cpu, ids);
        while (opened.device !== "server") await opened.use(async () => sleep(20));
        seen.back += 1;
        const beganMs = performance.now();
        await opened.use((runner) => written(runner, ids));
        const usualMs = performance.now() - beganMs;
        const answer = opened.use((runner) => written(runner, [...ids.slice(0, -1), 100 + i, 1]));
        const other = await Promise.all([
          answer,
          sleep(usualMs * random()).then(() => server.process.kill("SIGKILL")),
        ]).then(([produced]) => produced);
        seen.answered += 1;
        if (other.join() !== (await written(cpu, [...ids.slice(0, -1), 100 + i, 1])).join()) seen.wrong += 1;
        if (deviceOf(opened) === "cpu") seen.byCpu += 1;
        if ((await opened.use((runner) => written(runner, ids))).join() !== expected.join()) seen.wrong += 1;
        await server.end();
        server = await startServer(env, "--threads", "1", "--http", ports[0] ?? "", "--grpc", ports[1] ?? "");
      }
      await opened.dispose();
    }
    await server.end();
    await cpu.dispose();
    return [
      { what: "kills, half of them over gRPC", figure: `${kills}` },
      checked("requests answered", `${seen.answered}`, `${kills}`, seen.answered === kills),
      none("answers with other tokens than the CPU's", seen.wrong),
      { what: "requests that were cut off and answered by the CPU", figure: `${seen.byCpu}` },
      { what: "notices", figure: `${seen.notices}` },
      checked("taken back when the server was well again", `${seen.back}`, `${kills}`, seen.back === kills),
    ];
  },
};
