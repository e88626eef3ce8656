/** Limits how long the server waits for its client's answers. */
import { countDown } from "../../base/running-time.ts";

/** A client that has not answered after this time is not waited for. */
const CLIENT_MS = 10_000;

/** Questions to the client. */
export interface Patience {
  /**
   * The client's answer to a question of a kind. A kind that once was not answered in time is not waited for again
   * until the client answers it after all, so that it costs the time once.
   * @throws Error when it is not answered in time; what the question throws
   */
  ask<T>(kind: string, question: () => Promise<T>): Promise<T>;
}

/** @param report receives a line when a client begins to leave a kind of question unanswered */
export function createPatience(report: (line: string) => void, ms = CLIENT_MS): Patience {
  const silent = new Set<string>();
  return {
    async ask(kind, question) {
      const answer = question();
      const answered = () => void silent.delete(kind);
      answer.then(answered, answered);
      let stop = () => {};
      const late = new Promise<never>((_, reject) => {
        const giveUp = () => reject(new Error(`the client did not answer ${kind}`));
        const onEnd = () => {
          if (!silent.has(kind)) report(`the client has not answered ${kind} for ${ms / 1000} s; going on without`);
          silent.add(kind);
          giveUp();
        };
        if (silent.has(kind)) giveUp();
        else stop = countDown({ ms, onEnd });
      });
      return Promise.race([answer, late]).finally(() => stop());
    },
  };
}
