/** Requests whose parameters have other types than the schemas say, made from the schemas themselves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { COMMAND_NAMES, commandId } from "../../../protocol/commands.ts";
import { PANEL_REQUEST, serverQuestionSchema } from "../../../protocol/panel.ts";
import { ARGUMENTS } from "../../../server/lsp/commands/arguments.ts";
import { codeActionParams, codeLensParams, hoverParams, inlineCompletionParams } from "../../../server/lsp/handlers.ts";
import { initializeParams } from "../../../server/lsp/initialize.ts";
import { type RpcClient, RpcError } from "../../support/json-rpc.ts";
import { startServer, startSession } from "../session.ts";

const INVALID_PARAMS = -32602;
const WRONG: readonly unknown[] = [null, true, -1, 0.5, "", [], [[]], {}];

interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
}

/** A value that a schema takes, as far as types go. */
function rightFor(schema: JsonSchema): unknown {
  const [first] = schema.oneOf ?? schema.anyOf ?? [];
  if (first !== undefined) return rightFor(first);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.type === "object") {
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, rightFor(one)]));
  }
  if (schema.type === "array") return Array.from({ length: schema.minItems ?? 1 }, () => rightFor(schema.items ?? {}));
  if (schema.type === "integer" || schema.type === "number") return schema.minimum ?? 0;
  return schema.type === "boolean" ? false : "x";
}

/** Copies of a value with another one in each of its places. */
function* mutants(value: unknown): Generator<unknown> {
  yield* WRONG;
  if (Array.isArray(value)) {
    for (const [i, one] of value.entries()) for (const other of mutants(one)) yield value.with(i, other);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, one] of Object.entries(value)) {
      const { [name]: _, ...without } = value as Record<string, unknown>;
      yield without;
      for (const other of mutants(one)) yield { ...value, [name]: other };
    }
  }
}

/** Checks that a server answers each of a method's parameters with "invalid parameters". */
async function assertRefused(client: RpcClient, method: string, all: readonly unknown[]): Promise<void> {
  const answers = all.map(async (params) => {
    const code = await client.start(method, params as object).result.then(
      () => "a result",
      (error: unknown) => (error instanceof RpcError ? error.code : String(error)),
    );
    return code === INVALID_PARAMS ? [] : [`${method} ${JSON.stringify(params)}: ${code}`];
  });
  assert.deepEqual((await Promise.all(answers)).flat(), []);
}

/** Those parameters made from a schema that it refuses. */
function refused(schema: z.ZodType): unknown[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const forms = json.oneOf ?? json.anyOf ?? [json];
  const all = new Map(forms.flatMap((form) => [...mutants(rightFor(form))]).map((one) => [JSON.stringify(one), one]));
  return [...all.values()].filter((params) => !schema.safeParse(params).success);
}

const requests: readonly (readonly [method: string, params: readonly unknown[]])[] = [
  ["textDocument/hover", refused(hoverParams)],
  ["textDocument/inlineCompletion", refused(inlineCompletionParams)],
  ["textDocument/codeAction", refused(codeActionParams)],
  ["textDocument/codeLens", refused(codeLensParams)],
  [PANEL_REQUEST, refused(serverQuestionSchema)],
  ["workspace/executeCommand", WRONG],
  ...COMMAND_NAMES.map((name) => {
    // No argument at all stands for an empty object.
    const wrong = refused(ARGUMENTS[name]).filter((one) => one !== null);
    return ["workspace/executeCommand", wrong.map((one) => ({ command: commandId(name), arguments: [one] }))] as const;
  }),
];

test("every parameter of a wrong type is an invalid parameter, never an internal error", async () => {
  await using session = await startSession({ settings: {} });
  let tried = 0;
  for (const [method, all] of requests) {
    assert.ok(all.length > 5, `${method}: ${all.length}`);
    await assertRefused(session.client, method, all);
    tried += all.length;
  }
  assert.ok(tried > 500, `${tried}`);
});

test("an initialize with wrong types is refused, and a right one is heard after it", async () => {
  await using client = startServer();
  const wrong = refused(initializeParams);
  assert.ok(wrong.length > 50, `${wrong.length}`);
  await assertRefused(client, "initialize", wrong);
  await using session = await startSession({ settings: {}, client });
  assert.ok(session.initialized);
});
