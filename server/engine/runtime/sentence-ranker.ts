/** Scores sentences by the trees of the shipped table, in ONNX Runtime. */
import { ModelError } from "../../../models/errors.ts";
import { sentenceGraph } from "../../../models/words/sentence-table.ts";
import { englishSentenceTable } from "../../catalog/sentence-table.ts";
import { doOnce } from "../../files/once.ts";
import { neutralFolder } from "../../files/working-folder.ts";
import { createSession, float32, float32Data } from "./session.ts";

/** A ranker that loads its trees on first use; a process needs one. */
export interface SentenceRanker {
  /**
   * The score of each row.
   * @param features float32 [rows, features]
   * @returns float32 [rows]
   * @throws ModelError "input" when the table is damaged, "config" when it is missing
   */
  rank(features: Float32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Creates a ranker. */
export function createSentenceRanker(): SentenceRanker {
  let opened = false;
  const open = doOnce(async () => {
    opened = true;
    const table = await englishSentenceTable();
    if (table === undefined)
      throw new ModelError("config", "The table of sentences is missing. Install Spanfill again.");
    const session = await createSession(sentenceGraph(table), { folder: neutralFolder(), threads: 1, spin: false });
    return { session, width: table.features.length };
  });
  return {
    async rank(features) {
      if (features.length === 0) return new Float32Array(0);
      const { session, width } = await open();
      const { scores } = await session.run({ features: float32(features, [features.length / width, width]) });
      return float32Data(scores);
    },
    async dispose() {
      if (opened) await (await open().catch(() => undefined))?.session.dispose();
    },
  };
}
