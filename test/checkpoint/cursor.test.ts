import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteCursor, EndOfBytes } from "../../models/checkpoint/cursor.ts";

const bytes = Uint8Array.of(0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x87, 0x08);

/** A read in either byte order, beside what DataView reads. */
const reads: [string, (cursor: ByteCursor) => number, (view: DataView, little: boolean) => number][] = [
  ["uint 1", (cursor) => cursor.uint(1), (view) => view.getUint8(0)],
  ["uint 2", (cursor) => cursor.uint(2), (view, little) => view.getUint16(0, little)],
  ["uint 4", (cursor) => cursor.uint(4), (view, little) => view.getUint32(0, little)],
  ["uint 8", (cursor) => cursor.uint(8), (view, little) => Number(view.getBigUint64(0, little))],
  ["int 1", (cursor) => cursor.int(1), (view) => view.getInt8(0)],
  ["int 2", (cursor) => cursor.int(2), (view, little) => view.getInt16(0, little)],
  ["int 4", (cursor) => cursor.int(4), (view, little) => view.getInt32(0, little)],
  ["int 8", (cursor) => cursor.int(8), (view, little) => Number(view.getBigInt64(0, little))],
  ["float 4", (cursor) => cursor.float(4), (view, little) => view.getFloat32(0, little)],
  ["float 8", (cursor) => cursor.float(8), (view, little) => view.getFloat64(0, little)],
];
for (const [name, read, expected] of reads) {
  test(`reads ${name} as DataView does`, () => {
    for (const littleEndian of [true, false]) {
      const [buffer, size] = [Uint8Array.of(9, ...bytes), Number(name.split(" ")[1])];
      const cursor = new ByteCursor(buffer.subarray(1), { littleEndian });
      const [read1, view] = [read(cursor), new DataView(bytes.buffer)];
      assert.ok(Math.abs(read1 - expected(view, littleEndian)) <= Math.abs(read1) * Number.EPSILON);
      assert.equal(cursor.at, size);
      const short = new ByteCursor(bytes.subarray(0, size - 1), { littleEndian });
      assert.throws(() => read(short), EndOfBytes);
      assert.equal(short.at, 0);
    }
  });
}

test("reads varints of up to ten bytes", () => {
  const of = (...content: number[]) => new ByteCursor(Uint8Array.from(content));
  assert.equal(of(0x96, 0x01).varint(), 150);
  assert.equal(of(...Array(7).fill(0xff), 0x0f).varint(), Number.MAX_SAFE_INTEGER);
  assert.equal(of(...Array(9).fill(0xff), 0x01).varint(), 2 ** 64);
  assert.throws(() => of(...Array(20).fill(0x80)).varint(), /too large/);
  assert.throws(() => of(0x80).varint(), EndOfBytes);
});

test("never moves outside its buffer", () => {
  const cursor = new ByteCursor(bytes, { at: 4 });
  assert.deepEqual([...cursor.bytes(2)], [4, 5]);
  for (const count of [4, -1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => cursor.skip(count), EndOfBytes);
  assert.equal(cursor.left, 3);
});
