/** Names in a pickle that are beside its tensors and harmless, as PyTorch's own safe list has them. */
import { isCount } from "../tensor.ts";

/** A tensor of a type that is not read, such as uint32. */
export class UnsupportedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];

  constructor(dtype: string, shape: unknown) {
    this.dtype = dtype;
    this.shape = Array.isArray(shape) ? shape.filter(isCount) : [];
  }
}

const DTYPES = (
  "float32 float float64 double float16 half bfloat16 uint8 int8 int16 short int32 int int64 long bool complex32 " +
  "complex64 complex128 cfloat cdouble quint8 qint8 qint32 quint4x2 quint2x4 float8_e4m3fn float8_e4m3fnuz " +
  "float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2 uint16 uint32 uint64 bits8 bits16 bits1x8 bits2x4 " +
  "bits4x2 int1 int2 int3 int4 int5 int6 int7 uint1 uint2 uint3 uint4 uint5 uint6 uint7 per_tensor_affine " +
  "per_tensor_symmetric per_channel_affine per_channel_symmetric per_channel_affine_float_qparams"
).split(" ");

function other(dtype: string, shape: unknown): UnsupportedTensor {
  return new UnsupportedTensor(dtype, shape);
}

/** A tensor that another function rebuilds, with attributes that do not concern its values. */
function rebuildFromType(rebuild: unknown, _type: unknown, given: unknown): unknown {
  if (typeof rebuild !== "function" || !Array.isArray(given)) throw new Error("a tensor is malformed");
  return rebuild(...given);
}

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
  ["torch.Tensor", "torch.Tensor"],
  ["torch.nn.parameter.Parameter", (tensor: unknown) => tensor],
  ["torch.serialization._get_layout", (name: unknown) => name],
  ["torch._tensor._rebuild_from_type_v2", rebuildFromType],
  ["torch._utils._rebuild_parameter_with_state", (tensor: unknown) => tensor],
  ["torch._utils._rebuild_device_tensor_from_cpu_tensor", (tensor: unknown) => tensor],
  ["torch._utils._rebuild_meta_tensor_no_storage", (_: unknown, shape: unknown) => other("a meta tensor", shape)],
  ["torch._utils._rebuild_qtensor", (_: unknown, __: unknown, shape: unknown) => other("a quantized tensor", shape)],
  ["torch._utils._rebuild_sparse_tensor", () => other("a sparse tensor", [])],
  ["torch._utils._rebuild_nested_tensor", () => other("a nested tensor", [])],
  ["torch._utils._rebuild_wrapper_subclass", () => other("a subclass of tensors", [])],
];
