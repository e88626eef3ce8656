/** A run's curves as a TensorBoard event file. */
import { maskedCrc32c } from "../../../models/checkpoint/snappy.ts";

/** Some figures at one step. */
export interface ScalarEvent {
  readonly step: number;
  readonly scalars: Readonly<Record<string, number>>;
}

/**
 * The bytes of an event file.
 * @param wallTime seconds since 1970, of every event
 * @see tensorflow/core/util/event.proto, summary.proto; core/lib/io/record_writer.cc for the frames
 */
export function eventFile(events: readonly ScalarEvent[], wallTime: number): Uint8Array {
  const version = message([double(1, wallTime), bytes(3, new TextEncoder().encode("brain.Event:2"))]);
  const records = events.map(({ step, scalars }) => {
    const values = Object.entries(scalars).map(([tag, value]) =>
      bytes(1, message([bytes(1, new TextEncoder().encode(tag)), float(2, value)])),
    );
    return message([double(1, wallTime), varint(2, step), bytes(5, message(values))]);
  });
  return message([version, ...records].map(frame));
}

/** Length, its checksum, the record, its checksum. */
function frame(record: Uint8Array): Uint8Array {
  const made = new Uint8Array(record.length + 16);
  const view = new DataView(made.buffer);
  view.setBigUint64(0, BigInt(record.length), true);
  view.setUint32(8, maskedCrc32c(made.subarray(0, 8)), true);
  made.set(record, 12);
  view.setUint32(12 + record.length, maskedCrc32c(record), true);
  return made;
}

function message(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

function field(number: number, wire: number, value: Uint8Array): Uint8Array {
  return message([Uint8Array.of((number << 3) | wire), value]);
}

function whole(value: number): Uint8Array {
  const digits: number[] = [];
  for (let rest = value; digits.length === 0 || rest > 0; rest = Math.floor(rest / 128)) {
    digits.push((rest % 128) | (rest >= 128 ? 128 : 0));
  }
  return Uint8Array.from(digits);
}

function varint(number: number, value: number): Uint8Array {
  return field(number, 0, whole(value));
}

function bytes(number: number, value: Uint8Array): Uint8Array {
  return field(number, 2, message([whole(value.length), value]));
}

function double(number: number, value: number): Uint8Array {
  return field(number, 1, new Uint8Array(Float64Array.of(value).buffer));
}

function float(number: number, value: number): Uint8Array {
  return field(number, 5, new Uint8Array(Float32Array.of(value).buffer));
}
