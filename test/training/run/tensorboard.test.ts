/** The event file beside the bytes that TensorBoard's own writer makes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventFile } from "../../../server/training/run/tensorboard.ts";

/** Of tensorboard 2.21's RecordWriter, given an Event of the version and one of two scalars. */
const written =
  "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c39000000000000008b0737f109000000000000f83f10ac022a2b0a110a0a747261696e2f6c6f737315000010400a160a0f76616c69646174696f6e2f6c6f7373156f1283ba8da7b5a3";

test("an event file is what TensorBoard itself writes", () => {
  const scalars = { "train/loss": 2.25, "validation/loss": -1e-3 };
  assert.equal(Buffer.from(eventFile([{ step: 300, scalars }], 1.5)).toString("hex"), written);
});
