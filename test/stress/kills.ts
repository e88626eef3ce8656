/** The engine and the server killed at random instants under load. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../models/random.ts";
import { childrenOf, isAlive, quantile, StressClient, Tally } from "./client.ts";
import { checked, type Finding, none, type Part, type Scale } from "./part.ts";

const URI = "file:///kills/notes.md";
const TEXT = "# Notes\n\nA map is a ___ of keys and values, and there is more to be said of it here.\n";
const ORPHAN_MS = 10_000;

/** The part of the engine. */
export const engineKills: Part = { name: "engine", title: "The engine killed at random under load", run: killEngine };
/** The part of the server. */
export const serverKills: Part = { name: "server", title: "The server killed at random under load", run: killServer };

async function killEngine({ isLong, env }: Scale): Promise<Finding[]> {
  const kills = isLong ? 200 : 30;
  const random = seededRandom(7);
  const client = new StressClient(env);
  await client.initialize();
  client.open(URI, TEXT);
  const tally = new Tally();
  const load = new Load(client, tally);
  await load.answered();
  const recovery: number[] = [];
  const killed: number[] = [];
  while (recovery.length < kills) {
    load.start();
    await sleep(400 * random());
    const pid = client.enginePid;
    if (pid === undefined || !isAlive(pid)) continue;
    process.kill(pid, "SIGKILL");
    killed.push(pid);
    const began = performance.now();
    await load.answered();
    recovery.push(performance.now() - began);
    await load.stop();
  }
  await client.close();
  const [median, longest] = [quantile(recovery, 0.5), Math.max(...recovery)];
  return [
    { what: "kills; requests answered, refused", figure: `${kills}; ${tally.answered}, ${tally.refused}` },
    none("requests unanswered", tally.unanswered),
    none("engines left", killed.filter(isAlive).length),
    checked("from a kill to the next answer, median", `${median.toFixed(0)} ms`, "500 ms", median <= 500),
    checked("from a kill to the next answer, longest", `${longest.toFixed(0)} ms`, "1500 ms", longest <= 1500),
  ];
}

async function killServer({ isLong, env }: Scale): Promise<Finding[]> {
  const kills = isLong ? 50 : 12;
  const random = seededRandom(8);
  const answers = new Tally();
  let orphans = 0;
  let damaged = 0;
  for (let i = 0; i < kills; i++) {
    const client = new StressClient(env, { "summary.keep": "disk" });
    await client.initialize();
    client.open(URI, TEXT);
    const load = new Load(client, new Tally());
    load.start();
    await sleep(3000 * random());
    const engines = childrenOf(client.pid);
    await client.kill();
    await load.stop();
    for (let waited = 0; engines.some(isAlive) && waited < ORPHAN_MS; waited += 50) await sleep(50);
    orphans += engines.filter(isAlive).length;
    damaged += isDamaged(env) ? 1 : 0;
  }
  const client = new StressClient(env, { "summary.keep": "disk" });
  await client.initialize();
  client.open(URI, TEXT);
  await new Load(client, answers).answered();
  await client.close();
  return [
    { what: "kills", figure: `${kills}` },
    none("engines that outlived their server by ten seconds", orphans),
    none("half-written files taken for whole", damaged),
    checked("the next server answers", answers.unanswered === 0 ? "yes" : "no", "yes", answers.unanswered === 0),
  ];
}

/** Whether a file that is not marked as temporary is not complete. */
function isDamaged(env: NodeJS.ProcessEnv): boolean {
  const cache = env["SPANFILL_CACHE"] ?? "";
  if (!existsSync(cache)) return false;
  return readdirSync(cache).some((name) => {
    if (!name.endsWith(".json")) return false;
    try {
      JSON.parse(readFileSync(join(cache, name), "utf8"));
      return false;
    } catch {
      return true;
    }
  });
}

/** Requests of all kinds, some at a time. */
class Load {
  readonly #client: StressClient;
  readonly #tally: Tally;
  #runs = false;
  #done: Promise<unknown> = Promise.resolve();

  constructor(client: StressClient, tally: Tally) {
    this.#client = client;
    this.#tally = tally;
  }

  start(): void {
    if (this.#runs) return;
    this.#runs = true;
    this.#done = Promise.all([this.#loop(0), this.#loop(1), this.#loop(2)]);
  }

  async stop(): Promise<void> {
    this.#runs = false;
    await this.#done;
  }

  /** Asks until an answer comes. */
  async answered(): Promise<void> {
    for (;;) {
      const outcome = await this.#ask(0);
      if (outcome.kind !== "refused") return;
      await sleep(5);
    }
  }

  async #loop(kind: number): Promise<void> {
    while (this.#runs) {
      const { kind: end } = await this.#ask(kind);
      if (end === "lost") return;
      await sleep(10);
    }
  }

  async #ask(kind: number) {
    const textDocument = { uri: URI };
    const at = { textDocument, position: { line: 2, character: 8 }, context: { triggerKind: 1 } };
    const outcome =
      kind === 0
        ? await this.#client.command("spanfill.fillGaps", { uri: URI, version: 1 })
        : await this.#client.request(kind === 1 ? "textDocument/inlineCompletion" : "textDocument/hover", at);
    return this.#tally.count(outcome);
  }
}
