/**
 * Reads the part of HDF5 that Keras uses for weights: groups, and contiguous datasets of floats. Of the libraries,
 * jsfive takes the whole file into memory, and h5wasm is 4 MB of WebAssembly that opens files itself.
 */
import type { TensorDtype } from "../safetensors.ts";
import { type ByteSource, malformed, type PlacedTensor, placedTensor } from "../tensor.ts";

/**
 * Finds the datasets of floats.
 * @returns path from the root -> the place of its values
 * @throws ModelError "checkpoint" when the file is malformed, refers to other files, or stores floats in pieces
 * @see HDF5 File Format Specification 3.0: superblocks 0 to 3, object headers 1 and 2, symbol tables and compact links
 */
export async function readHdf5(source: ByteSource): Promise<ReadonlyMap<string, PlacedTensor>> {
  const reader = new Reader(source);
  try {
    await reader.group(await reader.root(), "", 0);
    return reader.datasets;
  } catch (cause) {
    if (cause instanceof RangeError)
      throw malformed(source.name, "is truncated or malformed: a message breaks off", cause);
    throw cause;
  }
}

const MAX_OBJECTS = 50_000;
const MAX_DEPTH = 32;
const PAGE_BYTES = 1 << 16;
const MAX_PAGES = 64;
const MAX_AXES = 8;
/** The value that means no address. */
const NOWHERE = 0xffffffffffffffffn;

const MESSAGE = {
  dataspace: 1,
  linkInfo: 2,
  datatype: 3,
  link: 6,
  externalFiles: 7,
  layout: 8,
  continuation: 16,
  symbolTable: 17,
} as const;

interface Message {
  readonly type: number;
  /** The message's bytes. */
  readonly view: DataView;
  /** Their offset in the file. */
  readonly at: number;
}

class Reader {
  readonly datasets = new Map<string, PlacedTensor>();
  private readonly source: ByteSource;
  private readonly pages = new Map<number, Uint8Array>();
  /** The groups between the root and here, to notice cycles. */
  private readonly open = new Set<number>();
  private objects = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  /** The address of the root group's header. */
  async root(): Promise<number> {
    const view = await this.bytes(0, Math.min(96, this.source.sizeBytes));
    const version = view.getUint8(8);
    if (version > 3) throw this.wrong(`is of version ${version}`);
    const late = version >= 2;
    const sizes = late ? view.getUint16(9, true) : view.getUint16(13, true);
    const base = late ? 12 : version === 1 ? 28 : 24;
    if (sizes !== 0x0808 || view.getBigUint64(base, true) !== 0n)
      throw this.wrong("has addresses that are not of 8 bytes");
    const end = this.address(view, base + 16);
    if (end > this.source.sizeBytes) throw this.truncated(end);
    return this.address(view, late ? base + 24 : base + 40);
  }

  /** Walks through a group, or adds a dataset. */
  async group(address: number, path: string, depth: number): Promise<void> {
    this.objects += 1;
    if (this.objects > MAX_OBJECTS || depth > MAX_DEPTH) throw this.wrong("holds more than a checkpoint does");
    if (this.open.has(address)) throw this.wrong(`has a group inside itself: ${path.slice(0, 200)}`);
    this.open.add(address);
    const messages = await this.messages(address);
    const of = (type: number) => messages.find((message) => message.type === type);
    const below = (name: string) => (path === "" ? name : `${path}/${name}`);
    const table = of(MESSAGE.symbolTable);
    const [space, type, layout] = [of(MESSAGE.dataspace), of(MESSAGE.datatype), of(MESSAGE.layout)];
    if (of(MESSAGE.externalFiles) !== undefined)
      throw this.wrong(`keeps the values of ${path} in other files, which are not read`);
    if (space !== undefined && type !== undefined && layout !== undefined) this.dataset(path, space, type, layout);
    const info = of(MESSAGE.linkInfo);
    if (info !== undefined && info.view.getBigUint64(info.view.getUint8(1) & 1 ? 10 : 2, true) !== NOWHERE) {
      throw this.wrong(
        `stores the group ${path} in a layout that HDF5 writes only on request; save it with the defaults`,
      );
    }
    for (const { type: kind, view } of messages) {
      if (kind !== MESSAGE.link) continue;
      const [name, target] = this.link(view, path);
      await this.group(target, below(name), depth + 1);
    }
    if (table !== undefined) {
      const names = await this.heap(this.address(table.view, 8));
      await this.node(
        this.address(table.view, 0),
        names,
        (name, target) => this.group(target, below(name), depth + 1),
        0,
      );
    }
    this.open.delete(address);
  }

  /** All messages of an object's header. */
  private async messages(address: number): Promise<Message[]> {
    const start = await this.bytes(address, 16);
    const modern = start.getUint32(0, true) === 0x5244484f; // "OHDR"
    if (!modern && start.getUint8(0) !== 1) throw this.wrong(`has no object at ${address}`);
    const flags = modern ? start.getUint8(5) : 0;
    const prefix = modern ? 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0) : 16;
    const width = 1 << (flags & 3);
    const sizeView = modern ? await this.bytes(address + prefix, width) : start;
    const size = modern ? unsigned(sizeView, 0, width) : start.getUint32(8, true);
    const blocks: [number, number][] = [[address + prefix + (modern ? width : 0), size]];
    const found: Message[] = [];
    for (let i = 0; i < blocks.length; i += 1) {
      const [from = 0, length = 0] = blocks[i] ?? [];
      if (i > 64 || length > 1 << 20) throw this.wrong(`has an endless object at ${address}`);
      const block = await this.bytes(from, length);
      const head = modern ? 4 + (flags & 4 ? 2 : 0) : 8;
      for (let at = 0; at + head <= length; ) {
        const type = modern ? block.getUint8(at) : block.getUint16(at, true);
        const bytes = block.getUint16(at + (modern ? 1 : 2), true);
        if (at + head + bytes > length) throw this.wrong(`has a message that breaks off at ${from + at}`);
        const view = new DataView(block.buffer, block.byteOffset + at + head, bytes);
        if (type === MESSAGE.continuation) {
          const to = this.address(view, 0);
          const more = this.address(view, 8);
          blocks.push(modern ? [to + 4, more - 8] : [to, more]); // "OCHK" before, a checksum after
        } else found.push({ type, view, at: from + at + head });
        at += head + bytes;
      }
    }
    return found;
  }

  private link(view: DataView, path: string): [string, number] {
    const flags = view.getUint8(1);
    const kind = flags & 8 ? view.getUint8(2) : 0;
    const at = 2 + (flags & 8 ? 1 : 0) + (flags & 4 ? 8 : 0) + (flags & 0x10 ? 1 : 0);
    const width = 1 << (flags & 3);
    const length = unsigned(view, at, width);
    const name = text(new Uint8Array(view.buffer, view.byteOffset + at + width, Math.min(length, view.byteLength)));
    if (kind !== 0)
      throw this.wrong(
        `has a link to ${kind === 64 ? "another file" : "another name"} in ${path || "/"}: ${name}. It was refused`,
      );
    return [name, this.address(view, at + width + length)];
  }

  /** A node of the tree of a group's entries by name. */
  private async node(
    address: number,
    names: Uint8Array,
    visit: (name: string, target: number) => Promise<void>,
    depth: number,
  ): Promise<void> {
    this.objects += 1;
    if (depth > MAX_DEPTH || this.objects > MAX_OBJECTS) throw this.wrong("holds more than a checkpoint does");
    const head = await this.bytes(address, 24);
    const signature = head.getUint32(0, true);
    const count = head.getUint16(6, true);
    if (signature === 0x45455254 && head.getUint8(4) === 0) {
      const entries = await this.bytes(address + 24, 16 * count);
      for (let i = 0; i < count; i += 1) await this.node(this.address(entries, 16 * i + 8), names, visit, depth + 1);
      return;
    }
    if (signature !== 0x444f4e53) throw this.wrong(`has no group entries at ${address}`);
    const entries = await this.bytes(address + 8, 40 * count);
    for (let i = 0; i < count; i += 1) {
      const begin = this.address(entries, 40 * i);
      const end = names.indexOf(0, begin);
      if (end < begin) throw this.wrong("has an unterminated name");
      const name = text(names.subarray(begin, end));
      if (entries.getUint32(40 * i + 16, true) === 2)
        throw this.wrong(`has a link to another name: ${name}. It was refused`);
      await visit(name, this.address(entries, 40 * i + 8));
    }
  }

  /** The zero-terminated names of a group's entries. */
  private async heap(address: number): Promise<Uint8Array> {
    const head = await this.bytes(address, 32);
    const size = this.address(head, 8);
    if (head.getUint32(0, true) !== 0x50414548 || size > 1 << 24) throw this.wrong(`has no names at ${address}`);
    const view = await this.bytes(this.address(head, 24), size);
    return new Uint8Array(view.buffer, view.byteOffset, size);
  }

  private dataset(path: string, space: Message, type: Message, layout: Message): void {
    const dtype = floatType(type.view);
    if (dtype === undefined) return; // texts and counters
    const shape = this.shape(space.view, path);
    const version = layout.view.getUint8(0);
    const kind = layout.view.getUint8(1);
    if (version < 3 || version > 4 || kind > 1) {
      const what = kind === 2 && version >= 3 ? "in pieces" : `in a layout ${version}.${kind}`;
      throw this.wrong(`stores ${path} ${what}, unlike Keras and transformers; save it without compression`);
    }
    if (kind === 1 && layout.view.getBigUint64(2, true) === NOWHERE) throw this.wrong(`has no values for ${path}`);
    const offset = kind === 0 ? layout.at + 4 : this.address(layout.view, 2);
    const length = kind === 0 ? layout.view.getUint16(2, true) : this.address(layout.view, 10);
    const tensor = placedTensor(this.source, path, dtype, shape, offset);
    if (tensor.length !== length) throw this.wrong(`gives ${path} ${length} bytes, but the shape [${shape.join(",")}]`);
    if (this.datasets.has(path)) throw this.wrong(`holds ${path} twice`);
    this.datasets.set(path, tensor);
  }

  private shape(view: DataView, path: string): number[] {
    const [version, axes] = [view.getUint8(0), view.getUint8(1)];
    if (version < 1 || version > 2 || axes > MAX_AXES) throw this.wrong(`gives ${path} ${axes} axes`);
    return Array.from({ length: axes }, (_, i) => unsigned(view, (version === 1 ? 8 : 4) + 8 * i, 8));
  }

  private address(view: DataView, at: number): number {
    return unsigned(view, at, 8);
  }

  /** Bytes from a cache of pages, since the descriptions of an object lie close together. */
  private async bytes(offset: number, length: number): Promise<DataView> {
    if (length < 0 || offset + length > this.source.sizeBytes) {
      throw this.truncated(offset + length);
    }
    const first = Math.floor(offset / PAGE_BYTES);
    const last = Math.floor((offset + Math.max(length, 1) - 1) / PAGE_BYTES);
    if (last > first) {
      const own = await this.source.read(offset, length);
      return new DataView(own.buffer, own.byteOffset, length);
    }
    const begin = first * PAGE_BYTES;
    const page =
      this.pages.get(first) ?? (await this.source.read(begin, Math.min(PAGE_BYTES, this.source.sizeBytes - begin)));
    if (this.pages.size >= MAX_PAGES) this.pages.clear();
    this.pages.set(first, page);
    return new DataView(page.buffer, page.byteOffset + offset - begin, length);
  }

  private truncated(end: number) {
    return this.wrong(`is truncated: it refers to ${end} of ${this.source.sizeBytes} bytes`);
  }

  private wrong(what: string) {
    return malformed(this.source.name, what);
  }
}

/** The element type of little-endian IEEE floats; undefined for all other types. */
function floatType(view: DataView): TensorDtype | undefined {
  const [kind, order, size] = [view.getUint8(0) & 15, view.getUint8(1), view.getUint32(4, true)];
  if (kind !== 1 || (order & 0x41) !== 0) return undefined;
  const exponent = view.getUint8(13);
  const types: Readonly<Record<string, TensorDtype>> = { "8.11": "F64", "4.8": "F32", "2.5": "F16", "2.8": "BF16" };
  return types[`${size}.${exponent}`];
}

/** An unsigned integer; infinity for numbers that no offset or length can be. */
function unsigned(view: DataView, at: number, width: number): number {
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at, true);
  if (width === 4) return view.getUint32(at, true);
  const value = Number(view.getBigUint64(at, true));
  return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
