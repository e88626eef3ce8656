import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readPickle } from "../../../models/checkpoint/torch/pickle.ts";
import { ModelError } from "../../../models/errors.ts";

const { value, bytes, pickles } = JSON.parse(readFileSync("test/fixtures/checkpoint/pickles.json", "utf8"));

const names = {
  globals: new Map<string, unknown>([
    ["collections.OrderedDict", () => new Map()],
    ["torch.FloatStorage", "a type"],
  ]),
  persistent: (id: unknown) => ({ persistent: id }),
};
const read = (text: string) => readPickle(Buffer.from(text, "latin1"), 0, names, "model.bin");

/** Maps as objects, so that a pickle can be compared with JSON. */
function plain(item: unknown): unknown {
  if (item instanceof Map) return Object.fromEntries([...item].map(([key, each]) => [key, plain(each)]));
  return Array.isArray(item) ? item.map(plain) : item;
}

for (const [protocol, encoded] of pickles) {
  test(`reads what Python writes in protocol ${protocol}`, () => {
    const content = Buffer.from(encoded, "base64");
    const result = readPickle(content, 0, names, "model.bin");
    assert.deepEqual(plain(result?.value), value);
    assert.equal(result?.end, content.length);
    for (let length = 0; length < content.length; length += 97) {
      assert.equal(readPickle(content.subarray(0, length), 0, names, "model.bin"), undefined);
    }
  });
}

test("reads bytes, integers beyond a number's precision, and objects stored elsewhere", () => {
  const result = readPickle(Buffer.from(bytes, "base64"), 0, names, "model.bin");
  assert.deepEqual(result?.value, [Uint8Array.of(0, 255), new Uint8Array(300).fill(121)]);
  assert.equal(read("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")?.value, 0x1950a86a20f9469cfc6cn);
  assert.deepEqual(read("K\x07Q.")?.value, { persistent: 7 });
});

test("a list that holds itself is read as one", () => {
  const list = read("]q\x00h\x00a.")?.value;
  assert.ok(Array.isArray(list) && list[0] === list);
});

const refused: [string, string, RegExp][] = [
  ["a program", "cos\nsystem\n(S'true'\ntR.", /model\.bin asks Python to run "os\.system"/],
  ["a program of protocol 4", "\x80\x04\x8c\x05posix\x8c\x06system\x93.", /"posix\.system"/],
  ["a builtin", "c__builtin__\neval\n.", /"__builtin__\.eval"/],
  ["a global of a package that is known", "ctorch._utils\n_rebuild_sparse\n.", /_rebuild_sparse/],
  ["a global of two names", "\x80\x04\x8c\x05torch\x8c\x05a.b.c\x93.", /"torch\.a\.b\.c"/],
  ["a call of something that is no function", "ctorch\nFloatStorage\n)R.", /malformed pickle/],
  ["an instance of a class", "(icollections\nOrderedDict\n.", /the pickle instruction 0x69/],
  ["an object made without its constructor", "ccollections\nOrderedDict\n)\x81.", /the pickle instruction 0x81/],
  ["an extension code", "\x82\x01.", /the pickle instruction 0x82/],
  ["an empty stack", ".", /malformed pickle/],
  ["a mark that is not there", "t.", /malformed pickle/],
  ["a key without a value", "}(K\x01u.", /malformed pickle/],
  ["a key that is there twice", "}(K\x01K\x02K\x01K\x03u.", /malformed pickle/],
  ["items for a number", "K\x01K\x02a.", /malformed pickle/],
  ["something that was not kept", "h\x05.", /malformed pickle/],
  ["a text that is none", "X\x01\x00\x00\x00\xff.", /malformed pickle/],
  ["a pickle of protocol 0", "(dp0\n.", /a pickle of protocol 0, from which PyTorch itself cannot read/],
  ["a number of a million digits", `L${"9".repeat(1e6)}L\n.`, /malformed pickle/],
  ["a number that is none", "Iinf\n.", /malformed pickle/],
  ["a protocol of the future", "\x80\x06N.", /a protocol later than 5/],
  ["instructions without end", "N0".repeat(400_000), /more than 500000 instructions/],
];
for (const [name, content, message] of refused) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => read(content),
      (error) => error instanceof ModelError && error.code === "checkpoint" && message.test(error.message),
    );
  });
}

test("a length beyond the end takes no memory", () => {
  for (const content of ["X\xff\xff\xff\xff", "B\xff\xff\xff\xff", "\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"]) {
    assert.equal(read(content), undefined);
  }
});

for (const global of [
  "argparse\nNamespace",
  "numpy._core.multiarray\nscalar",
  "datetime\ndatetime",
  "pathlib\nPosixPath",
  "omegaconf.dictconfig\nDictConfig",
  "__main__\nSettings",
  "torch.torch_version\nTorchVersion",
  "__builtin__\nxrange",
])
  test(`an ordinary value that PyTorch does not read either is no attack: ${global.replace("\n", ".")}`, () => {
    assert.throws(() => read(`\x80\x02c${global}\n.`), {
      message: /holds a Python object .*not supported.*torch\.save/,
    });
  });

test("a whole model that was pickled is refused with how to save it", () => {
  const pickle = "\x80\x02ctransformers.models.t5.modeling_t5\nT5ForConditionalGeneration\n.";
  assert.throws(() => read(pickle), { message: /holds a Python object .*save_pretrained/ });
});
