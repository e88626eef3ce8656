/** The settings that the server gets for a workspace that is not trusted. */

/**
 * The values of the section `spanfill`, without leave to learn from the workspace's files: its own settings are
 * restricted by VS Code, but a person's settings hold for every workspace.
 */
export function withoutLearning(values: readonly unknown[]): unknown[] {
  return values.map((value) => {
    if (!isObject(value) || !isObject(value["inlineCompletion"])) return value;
    const { inlineCompletion } = value;
    if (inlineCompletion["learnFrom"] !== "workspace") return value;
    return { ...value, inlineCompletion: { ...inlineCompletion, learnFrom: "document" } };
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
