/** A run's curves as a TensorBoard event file. */
import protobuf from "protobufjs/light.js";
import { maskedCrc32c } from "../../../models/checkpoint/snappy.ts";

/** Some figures at one step. */
export interface ScalarEvent {
  readonly step: number;
  readonly scalars: Readonly<Record<string, number>>;
}

/**
 * The bytes of an event file.
 * @param wallTime seconds since 1970, of every event
 * @see tensorflow/core/lib/io/record_writer.cc for the frames
 */
export function eventFile(events: readonly ScalarEvent[], wallTime: number): Uint8Array {
  const scalarEvents = events.map(({ step, scalars }) => {
    const value = Object.entries(scalars).map(([tag, simpleValue]) => ({ tag, simpleValue }));
    return { wallTime, step, summary: { value } };
  });
  const records = [{ wallTime, fileVersion: "brain.Event:2" }, ...scalarEvents];
  return Uint8Array.from(Buffer.concat(records.map((record) => frame(eventType.encode(record).finish()))));
}

/** Length, its checksum, the record, its checksum. */
function frame(record: Uint8Array): Uint8Array {
  const framed = new Uint8Array(record.length + 16);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(record.length), true);
  view.setUint32(8, maskedCrc32c(framed.subarray(0, 8)), true);
  framed.set(record, 12);
  view.setUint32(12 + record.length, maskedCrc32c(record), true);
  return framed;
}

/** The fields that are written of tensorflow/core/util/event.proto and core/framework/summary.proto. */
const eventType = protobuf.Root.fromJSON({
  nested: {
    Value: { edition: "proto2", fields: { tag: { type: "string", id: 1 }, simpleValue: { type: "float", id: 2 } } },
    Summary: { edition: "proto2", fields: { value: { rule: "repeated", type: "Value", id: 1 } } },
    Event: {
      edition: "proto2",
      fields: {
        wallTime: { type: "double", id: 1 },
        step: { type: "int64", id: 2 },
        fileVersion: { type: "string", id: 3 },
        summary: { type: "Summary", id: 5 },
      },
    },
  },
}).lookupType("Event");
