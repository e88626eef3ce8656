/** A simulated day: one client types, asks, cancels, changes files, and now and then everything sleeps. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../models/random.ts";
import type { FillGapsResult } from "../../protocol/commands/writing.ts";
import { quantile, resourcesOf, StressClient, Tally } from "./client.ts";
import { checked, type Finding, none, type Part, type Scale } from "./part.ts";

const METHODS = ["textDocument/inlineCompletion", "textDocument/hover"] as const;
const MOST_CHARACTERS = 30_000;
/** Changes between two looks at the memory. */
const SAMPLE = 40;

interface Open {
  readonly uri: string;
  version: number;
  text: string;
}

/** The part. */
export const day: Part = { name: "day", title: "A simulated day", run };

async function run({ isLong, env }: Scale): Promise<Finding[]> {
  const [changes, requests, sleeps, sleepMs] = isLong ? [50_000, 20_000, 5, 60_000] : [4_000, 1_600, 2, 12_000];
  const client = new StressClient(env);
  await client.initialize();
  const session = new Day(client, changes, requests);
  await session.warmUp();
  // A quick day's first tenth is over before the documents have grown, and all tables are loaded.
  const [share, begins] = isLong ? [0.1, "first tenth"] : [0.5, "half"];
  const first = await session.until(share);
  for (let i = 1; i <= sleeps; i++) {
    await session.until(share + ((1 - share) * i) / (sleeps + 1));
    await session.nap(sleepMs);
  }
  const last = await session.until(1);
  const [before, after] = isLong ? [0.05, 0.95] : [0.4, 0.9];
  const memory = (of: "server" | "engine") =>
    [session.memory(of, before, share), session.memory(of, after, 1)] as const;
  const lost = await session.lostTexts();
  await client.close();
  const { tally, times } = session;
  const grown = (of: "server" | "engine") => {
    const [from, to] = memory(of);
    const figure = `${Math.round(from)} to ${Math.round(to)} MB (${percent(to / from - 1)})`;
    return checked(`memory of the ${of}, ${begins} to end, medians`, figure, "within 5%", to <= 1.05 * from);
  };
  const latency = (name: string, ms: readonly number[]) =>
    checked(
      `${name}, p50 / p99 of ${ms.length}`,
      `${quantile(ms, 0.5).toFixed(0)} / ${quantile(ms, 0.99).toFixed(0)} ms`,
      "p99 below 300 ms",
      quantile(ms, 0.99) < 300,
    );
  return [
    { what: "changes, requests, cancels", figure: `${changes}, ${requests}, ${session.cancels}` },
    { what: "times everything slept, for how long", figure: `${sleeps}, ${sleepMs / 1000} s each` },
    none("requests unanswered", tally.unanswered),
    none(
      "requests refused but for a cancel or a newer version",
      [...tally.reasons.values()].reduce((a, b) => a + b, 0),
    ),
    none("documents that the server has otherwise than the client", lost),
    latency("ghost text", times[0]),
    latency("hover", times[1]),
    grown("server"),
    grown("engine"),
    checked(
      `handles and threads of both, ${begins} to end`,
      [first, last]
        .map((at) => `${at.server?.handles}+${at.engine?.handles}, ${at.server?.threads}+${at.engine?.threads}`)
        .join(" to "),
      "constant, but for one or two",
      [first, last].every(({ server, engine }) => server !== undefined && engine !== undefined) &&
        Math.abs((last.server?.handles ?? 0) - (first.server?.handles ?? 0)) <= 2 &&
        Math.abs((last.engine?.threads ?? 0) - (first.engine?.threads ?? 0)) <= 2,
    ),
  ];
}

class Day {
  readonly tally = new Tally();
  /** Milliseconds of answers, by method. */
  readonly times: [number[], number[]] = [[], []];
  cancels = 0;
  readonly #client: StressClient;
  readonly #changes: number;
  readonly #ratio: number;
  readonly #random = seededRandom(99);
  readonly #source = readFileSync("README.md", "utf8").slice(0, 9000) + readFileSync("ARCHITECTURE.md", "utf8");
  readonly #documents: Open[];
  readonly #samples: ({ readonly share: number } & ReturnType<Day["resources"]>)[] = [];
  #at: Open;
  #changed = 0;
  #owed = 0;
  #position = 0;
  /** How often everything slept; answers that were waited for meanwhile are not timed. */
  #naps = 0;

  constructor(client: StressClient, changes: number, requests: number) {
    this.#client = client;
    this.#changes = changes;
    this.#ratio = requests / changes;
    this.#documents = Array.from({ length: 6 }, (_, i) => ({
      uri: `file:///day/${i}.md`,
      version: 1,
      text: `# Day ${i}\n\n`,
    }));
    for (const { uri, text } of this.#documents) client.open(uri, text);
    this.#at = this.#documents[0] ?? { uri: "", version: 0, text: "" };
  }

  /** Loads the model, as the first request of a day does. */
  async warmUp(): Promise<void> {
    const { uri, version } = this.#at;
    await this.#client.command("spanfill.fillGaps", { uri, version });
  }

  /** Goes on to a share of all changes. @returns the resources then */
  async until(share: number) {
    while (this.#changed < share * this.#changes) {
      await this.#key();
      if (this.#changed % SAMPLE === 0)
        this.#samples.push({ share: this.#changed / this.#changes, ...this.resources() });
    }
    for (let i = 0; i < 600 && this.#client.openRequests > 0; i++) await sleep(100);
    return this.resources();
  }

  /** The median memory in MB between two shares of all changes: at a moment it depends on when V8 last collected. */
  memory(of: "server" | "engine", from: number, to: number): number {
    const within = this.#samples.filter(({ share }) => share > from && share <= to);
    return quantile(
      within.map((sample) => sample[of]?.mb ?? Number.NaN),
      0.5,
    );
  }

  /** The resources of both processes now. */
  resources() {
    return { server: resourcesOf(this.#client.pid), engine: resourcesOf(this.#client.enginePid) };
  }

  /** Stops the server and the engine under requests, and lets them go on. */
  async nap(ms: number): Promise<void> {
    this.#naps += 1;
    for (let i = 0; i < 5; i++) void this.#ask();
    const pids = [this.#client.pid, this.#client.enginePid ?? 0].filter((pid) => pid > 0);
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    await sleep(ms);
    for (const pid of pids) process.kill(pid, "SIGCONT");
    this.#naps += 1;
  }

  /**
   * Asks for a gap at each document's end. @returns how many documents the server has otherwise: it finds the gap
   * elsewhere, or not
   */
  async lostTexts(): Promise<number> {
    let lost = 0;
    for (const each of this.#documents) {
      this.#at = each;
      const end = endOf(each.text);
      const text = "\n\nA map is a ___ of keys and values.";
      this.#change({ range: { start: end, end }, text }, each.text + text);
      const line = end.line + 2;
      const range = { start: { line, character: 0 }, end: endOf(each.text) };
      const outcome = await this.#client.command("spanfill.fillGaps", { uri: each.uri, version: each.version, range });
      const { fills } = (outcome.kind === "answered" ? outcome.result : { fills: [] }) as Pick<FillGapsResult, "fills">;
      const gap = { start: { line, character: 11 }, end: { line, character: 14 } };
      if (JSON.stringify(fills.map((fill) => fill.range)) !== JSON.stringify([gap])) lost += 1;
    }
    return lost;
  }

  async #key(): Promise<void> {
    if (this.#random() < 0.004)
      this.#at = this.#documents[Math.floor(this.#random() * this.#documents.length)] ?? this.#at;
    const end = endOf(this.#at.text);
    if (this.#random() < 0.06 && end.character > 0) {
      this.#change(
        { range: { start: { ...end, character: end.character - 1 }, end }, text: "" },
        this.#at.text.slice(0, -1),
      );
    } else if (this.#at.text.length > MOST_CHARACTERS) {
      const text = `# Again ${this.#changed}\n\n`;
      this.#change({ text }, text);
    } else {
      const count = 1 + (this.#random() < 0.05 ? Math.floor(30 * this.#random()) : 0);
      const text = this.#source.slice(this.#position, this.#position + count);
      this.#position = (this.#position + count) % (this.#source.length - 40);
      this.#change({ range: { start: end, end }, text }, this.#at.text + text);
    }
    this.#changed += 1;
    for (this.#owed += this.#ratio; this.#owed >= 1; this.#owed -= 1) {
      const asked = this.#ask();
      // A person stops for every other suggestion.
      if (this.#random() < 0.5) await Promise.race([asked, sleep(300)]);
    }
    if (this.#changed % 5 === 0) await sleep(8);
  }

  #change(change: object, text: string): void {
    const document = this.#at;
    document.version += 1;
    document.text = text;
    const { uri, version } = document;
    this.#client.notify("textDocument/didChange", { textDocument: { uri, version }, contentChanges: [change] });
  }

  #ask(): Promise<void> {
    const which = this.#random() < 0.75 ? 0 : 1;
    const end = endOf(this.#at.text);
    const anywhere = { line: Math.floor(this.#random() * (end.line + 1)), character: Math.floor(40 * this.#random()) };
    const context = { triggerKind: this.#random() < 0.1 ? 1 : 2 };
    const position = which === 0 ? end : anywhere;
    const naps = this.#naps;
    const { id, outcome } = this.#client.start(METHODS[which], {
      textDocument: { uri: this.#at.uri },
      position,
      context,
    });
    if (this.#random() < 0.2) {
      this.cancels += 1;
      setTimeout(() => this.#client.cancel(id), 60 * this.#random());
    }
    return outcome.then((end) => {
      this.tally.count(end);
      if (end.kind === "answered" && naps === this.#naps) this.times[which].push(end.ms);
    });
  }
}

function endOf(text: string): { line: number; character: number } {
  const lines = text.split("\n");
  return { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 };
}

function percent(share: number): string {
  return `${share < 0 ? "" : "+"}${(100 * share).toFixed(0)}%`;
}
