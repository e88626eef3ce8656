/** Derives the name of a new run and its model from a person's title. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ModelError } from "../../models/errors.ts";
import { resolveModel } from "../catalog/installed.ts";
import type { Places } from "../catalog/store.ts";
import { listRuns } from "./folder.ts";

/** A name that neither a model nor a run has: letters a to z, digits, periods and hyphens. */
export async function freeName(places: Places, title: string): Promise<string> {
  const plain = title.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const name =
    plain
      .replace(/[^a-z0-9.]+/g, "-")
      .replace(/^[-.]+|(?<![-.])[-.]+$/g, "")
      .slice(0, 80) || "tuned";
  const runs = new Set(await listRuns(places));
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? name : `${name}-${number}`;
    if (!runs.has(id) && !existsSync(join(places.own, id)) && !means(id)) return id;
  }
}

/** Whether a name is that of a model. */
function means(id: string): boolean {
  try {
    resolveModel(id);
    return true;
  } catch (error) {
    if (error instanceof ModelError) return false;
    throw error;
  }
}
