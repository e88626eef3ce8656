import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { toFloat32 } from "../../../models/checkpoint/float.ts";
import { ModelError } from "../../../models/errors.ts";
import { readAll, storedZip } from "../bytes.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");
const u32 = (value: number) => String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
const text = (value: string) => `X${u32(value.length)}${value}`;
const integer = (value: number) => `J${u32(value)}`;

/** The pickle of one tensor "w" in a storage of float32: what torch.save writes, its numbers to be chosen. */
function pickle({
  count = 6,
  first = 0,
  shape = [2, 3],
  strides = [3, 1],
  type = "FloatStorage",
  view = "",
} = {}): string {
  const tuple = (list: readonly number[]) => `(${list.map(integer).join("")}t`;
  const storage = `(${text("storage")}ctorch\n${type}\n${text("0")}${text("cpu")}${integer(count)}${view}tQ`;
  const call = `(${storage}${integer(first)}${tuple(shape)}${tuple(strides)}\x89}t`;
  return `\x80\x02}(${text("w")}ctorch._utils\n_rebuild_tensor_v2\n${call}Ru.`;
}

const floats = (...list: number[]) => new Uint8Array(Float32Array.from(list).buffer);
const six = floats(0, 1, 2, 3, 4, 5);

function archive(data = pickle(), more: readonly (readonly [string, Uint8Array])[] = [["a/data/0", six]]): Buffer {
  return storedZip([["a/data.pkl", latin1(data)], ...more]);
}

/** The layout before zip: magic number, version, machine, state, keys, then each storage with its length. */
function legacy({ data = pickle(), keys = ["0"], count = 6, little = true } = {}): Buffer {
  const magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
  const machine = `\x80\x02}(${text("little_endian")}${little ? "\x88" : "\x89"}u.`;
  const head = `${magic}\x80\x02M\xe9\x03.${machine}${data}\x80\x02](${keys.map(text).join("")}e.`;
  const length = Buffer.alloc(8);
  if (little) length.writeUInt32LE(count, 0);
  else length.writeUInt32BE(count, 4);
  return Buffer.concat([latin1(head), length, little ? six : Buffer.from(six).swap32()]);
}

const read = async (bytes: Uint8Array) => {
  const content = (await readAll(bytes, undefined, (name) => name === "w")).get("w") ?? new Uint8Array();
  return [...new Float32Array(content.buffer, 0, content.length / 4)];
};

test("reads views of a storage: in order, transposed, from its middle, one axis kept from moving", async () => {
  assert.deepEqual(await read(archive()), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(await read(archive(pickle({ shape: [3, 2], strides: [1, 3] }))), [0, 3, 1, 4, 2, 5]);
  assert.deepEqual(await read(archive(pickle({ first: 1, shape: [2, 2], strides: [2, 2] }))), [1, 3, 3, 5]);
  assert.deepEqual(await read(archive(pickle({ first: 2, shape: [2], strides: [0] }))), [2, 2]);
  assert.deepEqual(await read(archive(pickle({ shape: [], strides: [] }))), [0]);
  assert.deepEqual(await read(archive(pickle({ shape: [0, 3], strides: [3, 1] }))), []);
  assert.deepEqual(await read(legacy()), [0, 1, 2, 3, 4, 5]);
});

test("reads what machines of the other byte order wrote", async () => {
  const big: [string, Uint8Array][] = [
    ["a/byteorder", latin1("big")],
    ["a/data/0", Buffer.from(six).swap32()],
  ];
  assert.deepEqual(await read(archive(pickle(), big)), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(await read(legacy({ little: false })), [0, 1, 2, 3, 4, 5]);
});

test("moves 64-bit integers as they are", async () => {
  const bytes = new Uint8Array(48).map((_, i) => (i % 8 === 7 ? 0x7f : 255 - i));
  const data = pickle({ type: "LongStorage", shape: [3, 2], strides: [1, 3] });
  const expected = [0, 3, 1, 4, 2, 5].flatMap((i) => [...bytes.subarray(8 * i, 8 * i + 8)]);
  assert.deepEqual([...((await readAll(archive(data, [["a/data/0", bytes]]))).get("w") ?? [])], expected);
});

const evil = "\x80\x02cposix\nsystem\nU\x04true\x85R.";
const refused: [string, Uint8Array, RegExp][] = [
  ["a program", archive(evil), /asks Python to run "posix\.system".*nothing was run/],
  ["a program in the older layout", legacy({ data: evil }), /asks Python to run "posix\.system"/],
  ["another archive", storedZip([["word/document.xml", six]]), /but not PyTorch's/],
  [
    "two models in one",
    storedZip([
      ["a/data.pkl", latin1(evil)],
      ["b/data.pkl", latin1(evil)],
    ]),
    /no single data\.pkl/,
  ],
  ["a model without tensors", archive("\x80\x02}."), /holds no table of tensors/],
  ["a whole object in place of a table", archive("\x80\x02K\x01."), /holds no table of tensors/],
  ["a pickle that breaks off", archive("\x80\x02}("), /data\.pkl breaks off/],
  ["a storage that is not there", archive(pickle(), []), /lacks a\/data\/0/],
  ["a storage of another size", archive(pickle(), [["a/data/0", floats(1)]]), /holds a\/data\/0 with 4 bytes/],
  ["a path that leads elsewhere", archive(pickle(), [["../data/0", six]]), /lacks a\/data\/0/],
  [
    "a tensor larger than its storage",
    archive(pickle({ shape: [3, 3] })),
    /gives w the shape \[3,3\], more than the 6/,
  ],
  ["a tensor that begins too late", archive(pickle({ first: 3 })), /more than the 6 values/],
  [
    "a tensor blown up by steps of 0",
    archive(pickle({ shape: [65536, 65536], strides: [0, 0] })),
    /more than the 6 values/,
  ],
  ["steps that leave the storage", archive(pickle({ shape: [2, 2], strides: [5, 1] })), /more than the 6 values/],
  ["fewer steps than axes", archive(pickle({ strides: [3] })), /gives w the shape/],
  ["steps backwards", archive(pickle({ strides: [-3, 1] })), /malformed pickle/],
  [
    "complex numbers",
    archive(pickle({ type: "ComplexFloatStorage" })),
    /stores w as torch\.ComplexFloatStorage, which is not supported/,
  ],
  ["the older layout with another length", legacy({ count: 5 }), /holds 5 values where its tensors need 6/],
  ["the older layout without keys", legacy({ keys: [] }), /does not hold all the values/],
  ["the older layout with a key too many", legacy({ keys: ["0", "1"] }), /lists a storage 1 that no tensor uses/],
  ["the older layout with a key twice", legacy({ keys: ["0", "0"] }), /lists a storage 0 that no tensor uses/],
  ["the older layout cut off", legacy().subarray(0, -1), /is truncated: its tensors end at/],
  ["the older layout cut off in its tables", legacy().subarray(0, 100), /its list of tensors breaks off/],
];
for (const [name, bytes, message] of refused) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(
      readAll(bytes),
      (error) => error instanceof ModelError && error.code === "checkpoint" && message.test(error.message),
    );
  });
}

/** The archive with one byte of its directory, or of its end, changed. */
function edited(edit: (zip: Buffer, directory: number, end: number) => void): Buffer {
  const zip = Buffer.from(archive());
  const end = zip.length - 22;
  edit(zip, zip.readUInt32LE(end + 16), end);
  return zip;
}
const archives: [string, Uint8Array, RegExp][] = [
  ["cut off", archive().subarray(0, -30), /is truncated: it begins as a zip archive and has no directory/],
  ["compressed (a zip bomb)", edited((zip, at) => zip.writeUInt16LE(8, at + 10)), /data\.pkl compressed or encrypted/],
  ["encrypted", edited((zip, at) => zip.writeUInt16LE(1, at + 8)), /compressed or encrypted/],
  ["with a file beyond its end", edited((zip, at) => zip.writeUInt32LE(zip.length, at + 42)), /data\.pkl lies beyond/],
  ["with absurd sizes", edited((zip, at) => zip.fill(0xfe, at + 20, at + 28)), /data\.pkl lies beyond its end/],
  [
    "with 64-bit sizes left out",
    edited((zip, at) => zip.fill(0xff, at + 20, at + 28)),
    /data\.pkl lies beyond its end/,
  ],
  ["with files upon each other", edited((zip, at) => zip.writeUInt32LE(0, at + 46 + 10 + 42)), /a\/data\/0 overlaps/],
  [
    "with a directory beyond its end",
    edited((zip, _, end) => zip.writeUInt32LE(zip.length, end + 16)),
    /directory lies beyond/,
  ],
  ["with more files than room", edited((zip, _, end) => zip.writeUInt16LE(60000, end + 10)), /malformed zip directory/],
  [
    "with a name twice",
    storedZip([
      ["a/data.pkl", six],
      ["a/data.pkl", six],
    ]),
    /holds a\/data\.pkl twice/,
  ],
  ["with no file where one should be", edited((zip) => zip.writeUInt32LE(7, 0)).fill(0x50, 0, 1), /begins with/],
];
for (const [name, bytes, message] of archives) {
  test(`refuses an archive ${name}`, async () => {
    await assert.rejects(readAll(bytes), (error) => error instanceof ModelError && message.test(error.message));
  });
}

const { torch } = JSON.parse(readFileSync("test/fixtures/checkpoint/pickles.json", "utf8"));
for (const [protocol, layout, encoded] of torch) {
  test(`${protocol === 0 ? "refuses" : "reads"} what PyTorch saves in protocol ${protocol}: ${layout}`, async () => {
    const bytes = Buffer.from(encoded, "base64");
    if (protocol === 0)
      await assert.rejects(readAll(bytes), /is a pickle of protocol 0, from which PyTorch itself cannot/);
    else assert.deepEqual(await read(bytes), [0, 1, 2, 3, 4, 5]);
  });
}

const { "two tables": twoTables, ...saved }: Record<string, string> = JSON.parse(
  gunzipSync(readFileSync("test/fixtures/checkpoint/safe_pickles.json.gz")).toString(),
);
for (const [name, encoded] of Object.entries(saved)) {
  test(`reads tensors beside harmless values: ${name}`, async () => {
    assert.deepEqual(await read(Buffer.from(encoded, "base64")), [0, 1, 2, 3, 4, 5]);
  });
}

test("names the tables of tensors where it is not clear which is the model", async () => {
  const bytes = Buffer.from(twoTables ?? "", "base64");
  await assert.rejects(
    read(bytes),
    /holds several tables of tensors: student, teacher\. Save the one to use by itself/,
  );
});

/** All bytes as each type, saved by PyTorch, and the float32 values that it makes of them. */
const { unread, ...float8 }: Record<string, { saved: string; values: string }> = JSON.parse(
  gunzipSync(readFileSync("test/fixtures/checkpoint/float8.json.gz")).toString(),
);
for (const [name, { saved, values }] of Object.entries(float8)) {
  test(`reads what PyTorch saves in ${name}`, async () => {
    const bytes = (await readAll(Buffer.from(saved, "base64"))).get("w") ?? new Uint8Array();
    const expected = new Float32Array(new Uint8Array(Buffer.from(values, "base64")).buffer);
    // As numbers, since the bits of what is not a number differ.
    assert.deepEqual([...toFloat32(bytes, name === "float8_e5m2" ? "F8_E5M2" : "F8_E4M3")], [...expected]);
  });
}

test("names a type that is not read", async () => {
  await assert.rejects(
    readAll(Buffer.from(unread?.saved ?? "", "base64")),
    /stores w as torch\.float8_e4m3fnuz, which is not supported\. Save the model in float32/,
  );
});
