/** Names in a pickle that are beside its tensors and harmless, as PyTorch's own safe list has them. */

/** A tensor of a type that is not read, such as uint32. */
export class UnsupportedTensor {
  readonly dtype: string;

  constructor(dtype: string) {
    this.dtype = dtype;
  }
}

const DTYPES = [
  ...[
    "float32",
    "float",
    "float64",
    "double",
    "float16",
    "half",
    "bfloat16",
    "uint8",
    "int8",
    "int16",
    "short",
    "int32",
  ],
  ...["int", "int64", "long", "bool", "complex32", "complex64", "complex128", "cfloat", "cdouble", "quint8", "qint8"],
  ...["qint32", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "uint16", "uint32", "uint64"],
];

/**
 * Replacements by name; their values are never used.
 * @see torch/_weights_only_unpickler.py
 */
export const harmlessGlobals: readonly (readonly [string, unknown])[] = [
  ...DTYPES.map((name): [string, unknown] => [`torch.${name}`, `torch.${name}`]),
  ["torch.Size", (items: unknown) => items],
  ["torch.device", () => undefined],
  ["collections.Counter", (items: unknown) => items],
  ["collections.defaultdict", () => new Map()],
  ...["builtins", "__builtin__"].flatMap((module): [string, unknown][] => [
    [`${module}.set`, (items: unknown) => items],
    [`${module}.frozenset`, (items: unknown) => items],
    [`${module}.dict`, () => new Map()],
    [`${module}.list`, () => []],
    [`${module}.bytearray`, (items: unknown) => items],
    [`${module}.complex`, () => undefined],
  ]),
  ["_codecs.encode", (text: unknown) => text],
];
