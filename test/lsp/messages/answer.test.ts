/** Requests are answered when they should be, whatever the handler does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CancellationTokenSource, LSPErrorCodes, ResponseError } from "vscode-languageserver-protocol";
import * as z from "zod";
import { createAnswer } from "../../../server/lsp/answer.ts";
import type { Services } from "../../../server/lsp/services.ts";

const log = { error: assert.fail, warn: assert.fail, info: assert.fail, debug: () => undefined };
const services = (waitsForModel: boolean) =>
  ({ waitsForModel, engine: { isLoading: () => false } }) as unknown as Services;
const answering = (waitsForModel = false) => createAnswer({ log, services: () => services(waitsForModel) } as never);
const never = () => new Promise<string>(() => undefined);
const isCancel = (error: unknown) => error instanceof ResponseError && error.code === LSPErrorCodes.RequestCancelled;

test("a cancelled request is answered though its handler never ends", async () => {
  for (const options of [{}, { deadline: { ms: 60_000, late: "late" } }]) {
    const source = new CancellationTokenSource();
    const answer = answering()(z.unknown(), never, options)({}, source.token);
    source.cancel();
    await assert.rejects(answer, isCancel);
  }
});

test("a request that was cancelled before is not waited for", async () => {
  const source = new CancellationTokenSource();
  source.cancel();
  await assert.rejects(answering()(z.unknown(), never)({}, source.token), isCancel);
});

test("a handler that is late is answered for, unless the client said that it waits for the model", async () => {
  const deadline = { ms: 1, late: "late" };
  const { token } = new CancellationTokenSource();
  assert.equal(await answering()(z.unknown(), never, { deadline })({}, token), "late");
  const slow = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return "done";
  };
  assert.equal(await answering(true)(z.unknown(), slow, { deadline })({}, token), "done");
});

test("cancelled work that has something to show is waited for", async () => {
  const source = new CancellationTokenSource();
  const partial = (_: Services, __: unknown, signal: AbortSignal) =>
    new Promise<string>((resolve) => signal.addEventListener("abort", () => setTimeout(resolve, 20, "half")));
  const answer = answering()(z.unknown(), partial, { isPartial: () => true })({}, source.token);
  await Promise.resolve();
  source.cancel();
  assert.equal(await answer, "half");
});
