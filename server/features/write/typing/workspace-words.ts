/**
 * The words of a folder's prose, which the setting `inlineCompletion.learnFrom` may add to those of the document. They
 * are read once, are bounded, and stay in memory.
 */
import { setImmediate } from "node:timers/promises";
import {
  type FolderSource,
  localFolder,
  PROSE_NAME,
  readProse,
  rulesAbove,
  walkFolder,
} from "../../../text/folder-files.ts";
import { holdsSecret } from "../../../text/private-files.ts";
import { createDocumentWords, type DocumentWords } from "./document-words.ts";

/** A folder to learn from. */
export interface LearnedFolder {
  /** Absolute. */
  readonly path: string;
  /** Why a file is not to be read, besides what the folder's ignore files say; undefined where it may be. */
  whyPrivate(path: string): Promise<string | undefined>;
}

/** The words of folders. */
export interface WorkspaceWords {
  /** A folder's words; undefined until they are counted, which the first call begins. */
  of(folder: LearnedFolder): DocumentWords | undefined;
  /** Forgets all; what is being read then is not kept. */
  forget(): void;
  /** Resolves when nothing is being read. */
  settled(): Promise<void>;
}

/**
 * Creates the memory of nothing.
 * @param failed receives what prevented reading a folder, which counts as empty then
 */
export function createWorkspaceWords(failed: (error: unknown) => void = () => undefined): WorkspaceWords {
  const folders = new Map<string, { words?: DocumentWords; reading: Promise<void> }>();
  let reading = new AbortController();
  return {
    of(folder) {
      const known = folders.get(folder.path);
      if (known !== undefined) return known.words;
      for (const path of [...folders.keys()].slice(0, folders.size - MOST_FOLDERS + 1)) folders.delete(path);
      const { signal } = reading;
      const learned: { words?: DocumentWords; reading: Promise<void> } = {
        reading: wordsOf(folder, signal).then(
          (words) => {
            learned.words = words;
          },
          (error: unknown) => {
            if (!signal.aborted) failed(error);
          },
        ),
      };
      folders.set(folder.path, learned);
      return undefined;
    },
    forget() {
      reading.abort();
      reading = new AbortController();
      folders.clear();
    },
    async settled() {
      await Promise.all([...folders.values()].map((folder) => folder.reading));
    },
  };
}

const MOST_FOLDERS = 4;
/** Files and folders that are looked at, files that are read, and characters that are counted. */
const MOST_ENTRIES = 20_000;
const MOST_FILES = 500;
const MOST_CHARACTERS = 2e6;

async function wordsOf({ path, whyPrivate }: LearnedFolder, signal: AbortSignal): Promise<DocumentWords> {
  const source = bounded(localFolder(path));
  const { files } = await walkFolder(source, PROSE_NAME, await rulesAbove(path), signal);
  const words = createDocumentWords();
  let room = MOST_CHARACTERS;
  for (const file of files.slice(0, MOST_FILES)) {
    signal.throwIfAborted();
    if (room <= 0) break;
    if ((await whyPrivate(`${path}/${file}`)) !== undefined) continue;
    const content = await readProse(source, file);
    if ("why" in content || holdsSecret(content.text)) continue;
    const text = content.text.slice(0, room);
    room -= text.length;
    words.add(text);
    await setImmediate(); // keys are answered in between
  }
  return words;
}

/** A folder of which no more than some entries are listed. */
function bounded(source: FolderSource): FolderSource {
  let room = MOST_ENTRIES;
  return {
    ...source,
    async list(path) {
      const entries = room <= 0 ? [] : await source.list(path);
      room -= entries.length;
      return entries;
    },
  };
}
