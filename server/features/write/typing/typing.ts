/** The memory of a typing session: the words of each place, and the suggestions that were typed past. */
import { setTimeout } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import type { LoadedModel } from "../../../engine/engine.ts";
import { foreignLanguageOf } from "../../../text/languages.ts";
import { createPredictor, type Predictor } from "./predictor.ts";
import { createTypedPast, type TypedPast } from "./typed-past.ts";
import type { WordPlace } from "./word-place.ts";
import { createWorkspaceWords, type WorkspaceWords } from "./workspace-words.ts";

/** The language around a place, as far as it matters. */
export interface TypedLanguage {
  readonly english: boolean;
  /** ISO 639-1 code of a language that the model does not know. */
  readonly foreign?: string;
}

/** The memory of typing, for all documents. */
export interface Typing {
  readonly predictor: Predictor;
  readonly typedPast: TypedPast;
  readonly workspace: WorkspaceWords;
  /** The language around a place; read again when the place has moved by some lines. */
  languageAt(model: LoadedModel, document: string, place: Omit<WordPlace, "typed">): Promise<TypedLanguage>;
  /** Resolves when a word need no longer wait for the model; the signal ends the wait. */
  patience(signal: AbortSignal): Promise<void>;
}

/**
 * Creates the memory of nothing.
 * @param patience the wait for the model's answer, after which the other experts may answer without it
 */
export function createTyping(patience: Typing["patience"] = shortWait): Typing {
  const languages = new LRUCache<string, TypedLanguage & { readonly at: number; readonly known: string }>({ max: 8 });
  return {
    predictor: createPredictor(),
    typedPast: createTypedPast(),
    workspace: createWorkspaceWords(),
    patience,
    async languageAt({ info }, document, { before, after }) {
      const known = info.languages.join();
      const last = languages.get(document);
      if (last?.known === known && Math.abs(last.at - before.length) < NEAR) return last;
      const around = before.slice(-AROUND) + after.slice(0, AROUND);
      const language = await languageOf(around, info.languages);
      languages.set(document, { ...language, at: before.length, known });
      return language;
    },
  };
}

/** A person notices a longer wait. */
const PATIENCE_MS = 80;

/** A wait for the model however long it takes. */
export function waitForever(): Promise<void> {
  return new Promise(() => undefined);
}

async function shortWait(signal: AbortSignal): Promise<void> {
  await setTimeout(PATIENCE_MS, undefined, { signal, ref: false });
}

/** Characters by which a place may move before its language is looked at again. */
const NEAR = 200;
/** Characters on each side that are looked at. */
const AROUND = 3000;

async function languageOf(text: string, languages: readonly string[]): Promise<TypedLanguage> {
  const english = languages.includes("en");
  const foreign = await foreignLanguageOf(text, english ? ["en"] : languages);
  if (foreign === undefined) return { english };
  return languages.includes(foreign) ? { english: false } : { english: false, foreign };
}
