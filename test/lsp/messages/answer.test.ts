/** Requests are answered when they should be, whatever the handler does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CancellationTokenSource, LSPErrorCodes, ResponseError } from "vscode-languageserver-protocol";
import * as z from "zod";
import { english } from "../../../base/translate.ts";
import { createAnswer } from "../../../server/lsp/answer.ts";
import type { Services } from "../../../server/lsp/services.ts";

const log = { error: assert.fail, warn: assert.fail, info: assert.fail, debug: () => undefined };
const services = (waitsForModel: boolean) =>
  ({
    waitsForModel,
    engine: { isLoading: () => false },
    client: { asksPerson: () => false },
    t: english,
  }) as unknown as Services;
const answering = (waitsForModel = false) => createAnswer({ log, services: () => services(waitsForModel) } as never);
const deadline = () => 60_000;
const never = () => new Promise<string>(() => undefined);
const isCancel = (error: unknown) => error instanceof ResponseError && error.code === LSPErrorCodes.RequestCancelled;

test("a cancelled request is answered though its handler never ends", async () => {
  for (const options of [{ deadline }, { deadline, late: "late" }]) {
    const source = new CancellationTokenSource();
    const answer = answering()(z.unknown(), never, options)({}, source.token);
    source.cancel();
    await assert.rejects(answer, isCancel);
  }
});

test("a request that was cancelled before is not waited for", async () => {
  const source = new CancellationTokenSource();
  source.cancel();
  await assert.rejects(answering()(z.unknown(), never, { deadline })({}, source.token), isCancel);
});

test("a handler that is late is answered for, unless the client said that it waits for the model", async () => {
  const late = { deadline: () => 1, late: "late" };
  const { token } = new CancellationTokenSource();
  assert.equal(await answering()(z.unknown(), never, late)({}, token), "late");
  const slow = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return "done";
  };
  assert.equal(await answering(true)(z.unknown(), slow, late)({}, token), "done");
});

test("cancelled work that has something to show is waited for", async () => {
  const source = new CancellationTokenSource();
  const partial = (_: Services, __: unknown, signal: AbortSignal) =>
    new Promise<string>((resolve) => signal.addEventListener("abort", () => setTimeout(resolve, 20, "half")));
  const answer = answering()(z.unknown(), partial, { deadline, isPartial: () => true })({}, source.token);
  await new Promise((resolve) => setImmediate(resolve));
  source.cancel();
  assert.equal(await answer, "half");
});

test("cancelled work that has nothing to show at once is not waited for", async () => {
  const source = new CancellationTokenSource();
  const answer = answering()(z.unknown(), never, { deadline, isPartial: () => true })({}, source.token);
  source.cancel();
  await assert.rejects(answer, isCancel);
});

test("a late request without an answer fails, and time does not count while a person is asked", async () => {
  let asksPerson = true;
  const asked = { ...services(false), client: { asksPerson: () => asksPerson } } as unknown as Services;
  const answer = createAnswer({ log, services: () => asked } as never)(z.unknown(), never, { deadline: () => 50 });
  const failing = answer({}, new CancellationTokenSource().token);
  failing.catch(() => undefined);
  const first = await Promise.race([failing, new Promise((resolve) => setTimeout(resolve, 400, "asking"))]);
  assert.equal(first, "asking");
  asksPerson = false;
  await assert.rejects(failing, /took longer than 0 s and was given up/);
});
