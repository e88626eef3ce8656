/** The WebAssembly of the kernels, put together from its instructions. @see webassembly.github.io/spec/core/binary */

/** The bytes of the module; its memory is imported as `a.m`. Counts are multiples of four and at least four. */
export function assembleKernels(): Uint8Array<ArrayBuffer> {
  const number = (value: number): Code => (value < 128 ? [value] : [(value & 127) | 128, ...number(value >> 7)]);
  const list = (items: readonly Code[]): Code => [...number(items.length), ...items.flat()];
  const counted = (code: Code): Code => [...number(code.length), ...code];
  const section = (id: number, items: readonly Code[]): Code => [id, ...counted(list(items))];
  const name = (text: string): Code => counted([...new TextEncoder().encode(text)]);
  const all = kernelCode();
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      all.map(({ takes, gives }) => [0x60, ...counted(takes), ...counted(gives)]),
    ),
    ...section(2, [[...name("a"), ...name("m"), 0x02, 0x00, 1]]),
    ...section(
      3,
      all.map((_, i) => [i]),
    ),
    ...section(
      7,
      all.map((kernel, i) => [...name(kernel.name), 0x00, i]),
    ),
    ...section(
      10,
      all.map(({ locals, body }) => counted([...list(locals.map((type) => [1, type])), ...body, 0x0b])),
    ),
  ]);
}

type Code = readonly number[];

const [I32, F32, F64, V128] = [0x7f, 0x7d, 0x7c, 0x7b];
const get = (local: number): Code => [0x20, local];
const set = (local: number, value: Code): Code => [...value, 0x21, local];
const load = (pointer: number, offset = 0): Code => [...get(pointer), 0xfd, 0x00, 0x02, offset];
const store = (pointer: number, value: Code, offset = 0): Code => [...get(pointer), ...value, 0xfd, 0x0b, 0x02, offset];
const spread = (local: number): Code => [...get(local), 0xfd, 0x13];
const binary =
  (...opcode: Code) =>
  (a: Code, b: Code): Code => [...a, ...b, 0xfd, ...opcode];
const [plus, minus, times, over] = [binary(0xe4, 1), binary(0xe5, 1), binary(0xe6, 1), binary(0xe7, 1)];
const [plus2, times2] = [binary(0xf0, 1), binary(0xf2, 1)];
const rootOf = (a: Code): Code => [...a, 0xfd, 0xe3, 1];
/** The lower or the upper two of four float32 as float64. */
const lower = (a: Code): Code => [...a, 0xfd, 0x5f];
const upper = (local: number): Code =>
  lower([...get(local), ...get(local), 0xfd, 0x0d, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
const lanes = (local: number): Code => [...get(local), 0xfd, 0x21, 0, ...get(local), 0xfd, 0x21, 1, 0xa0];
const step = (local: number, bytes: number): Code => [...get(local), 0x41, bytes, 0x6a, 0x21, local];

/** A loop that moves pointers on by four values (float64 ones by twice the bytes) until the count is used up. */
function loop(body: Code, pointers: readonly number[], doubles: readonly number[], count: number): Code {
  const on = [...pointers.flatMap((one) => step(one, 16)), ...doubles.flatMap((one) => step(one, 32))];
  // The count is a multiple of four, and at least four.
  return [0x03, 0x40, ...body, ...on, ...get(count), 0x41, 4, 0x6b, 0x22, count, 0x0d, 0, 0x0b];
}

interface Kernel {
  readonly name: string;
  readonly takes: Code;
  readonly gives: Code;
  /** Types of further locals. */
  readonly locals: Code;
  readonly body: Code;
}

function kernelCode(): Kernel[] {
  const square = (wide: Code): Code => times2(wide, wide);
  return [
    {
      name: "squares", // values, count; x, sum
      takes: [I32, I32],
      gives: [F64],
      locals: [V128, V128],
      body: [
        ...loop(
          [...set(2, load(0)), ...set(3, plus2(get(3), plus2(square(lower(get(2))), square(upper(2)))))],
          [0],
          [],
          1,
        ),
        ...lanes(3),
      ],
    },
    {
      name: "add", // sums, others, count
      takes: [I32, I32, I32],
      gives: [],
      locals: [],
      body: loop(store(0, plus(load(0), load(1))), [0, 1], [], 2),
    },
    {
      name: "adamw", // w, g, m, v, count, scale, b1, 1 - b1, b2, 1 - b2, step size, root, epsilon, keep; g, m, v
      takes: [I32, I32, I32, I32, I32, F32, F32, F32, F32, F32, F32, F32, F32, F32],
      gives: [],
      locals: [V128, V128, V128],
      body: loop(
        [
          ...set(14, times(load(1), spread(5))),
          ...set(15, plus(times(load(2), spread(6)), times(get(14), spread(7)))),
          ...set(16, plus(times(load(3), spread(8)), times(times(get(14), get(14)), spread(9)))),
          ...store(2, get(15)),
          ...store(3, get(16)),
          ...store(
            0,
            minus(
              times(load(0), spread(13)),
              over(times(get(15), spread(10)), plus(times(rootOf(get(16)), spread(11)), spread(12))),
            ),
          ),
        ],
        [0, 1, 2, 3],
        [],
        4,
      ),
    },
    {
      name: "rowSquares", // values, column sums, count; x, lower squares, upper squares, sum
      takes: [I32, I32, I32],
      gives: [F64],
      locals: [V128, V128, V128, V128],
      body: [
        ...loop(
          [
            ...set(3, load(0)),
            ...set(4, square(lower(get(3)))),
            ...set(5, square(upper(3))),
            ...store(1, plus2(load(1), get(4))),
            ...store(1, plus2(load(1, 16), get(5)), 16),
            ...set(6, plus2(get(6), plus2(get(4), get(5)))),
          ],
          [0],
          [1],
          2,
        ),
        ...lanes(6),
      ],
    },
    {
      name: "rowScaled", // values, columns, count; x, sum
      takes: [I32, I32, I32],
      gives: [F64],
      locals: [V128, V128],
      body: [
        ...loop(
          [
            ...set(3, times(load(0), load(1))),
            ...set(4, plus2(get(4), plus2(square(lower(get(3))), square(upper(3))))),
          ],
          [0, 1],
          [],
          2,
        ),
        ...lanes(4),
      ],
    },
    {
      name: "rowApply", // weights, gradients, columns, count, row, keep
      takes: [I32, I32, I32, I32, F32, F32],
      gives: [],
      locals: [],
      body: loop(
        store(0, minus(times(load(0), spread(5)), times(load(1), times(load(2), spread(4))))),
        [0, 1, 2],
        [],
        3,
      ),
    },
  ];
}
