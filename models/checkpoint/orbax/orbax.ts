/**
 * Reads checkpoints of Orbax, which later versions of T5X save with: `_METADATA` names arrays, zarr folders on disk or
 * in a database.
 */
import * as z from "zod";
import { t5xTensors } from "../flax/t5x.ts";
import { type ByteSource, malformed, type StoredTensor, type TensorMap } from "../tensor.ts";
import { zarrTensor } from "../zarr.ts";
import { openOcdbt } from "./ocdbt.ts";

/**
 * Finds the tensors of a T5X model, under Hugging Face's names.
 * @param sibling opens a file by its path relative to the checkpoint's folder
 * @throws ModelError "checkpoint" when an array is malformed or missing, or has an unsupported layout
 * @see orbax/checkpoint/_src/metadata/tree.py
 */
export async function readOrbax(
  source: ByteSource,
  sibling: (path: string) => Promise<ByteSource>,
): Promise<TensorMap> {
  const { tree_metadata: tree, use_ocdbt, use_zarr3 } = await metadata(source);
  if (use_zarr3) {
    throw malformed(
      source.name,
      "has arrays in zarr's third format, which cannot be read. In Python, restore them with Orbax and save them again with PyTreeCheckpointHandler(use_zarr3=False)",
    );
  }
  const open = use_ocdbt ? await openOcdbt(sibling) : sibling;
  const arrays: [readonly string[], StoredTensor][] = [];
  for (const { key_metadata: keys } of Object.values(tree)) {
    const path = keys.map(({ key }) => String(key));
    const folder = path.join(".");
    if (/^\.+$|[/\\]/.test(folder))
      throw malformed(source.name, `keeps an array in "${folder}", which is not a folder name`);
    const inside = path.slice(path[0] === "target" || path[0] === "params" ? 1 : 0);
    if (!/^(encoder|decoder|token_embedder)$/.test(inside[0] ?? "")) continue; // the optimizer's state
    arrays.push([inside, await zarrTensor(folder, open)]);
  }
  return t5xTensors(arrays, source);
}

const MAX_BYTES = 16 * 1024 * 1024;

const schema = z.object({
  tree_metadata: z.record(
    z.string(),
    z.object({ key_metadata: z.array(z.object({ key: z.union([z.string(), z.number()]) })).max(32) }),
  ),
  use_ocdbt: z.boolean().default(true),
  use_zarr3: z.boolean().default(false),
});

async function metadata(source: ByteSource): Promise<z.infer<typeof schema>> {
  if (source.sizeBytes > MAX_BYTES) throw malformed(source.name, `is ${source.sizeBytes} bytes long`);
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(await source.read(0, source.sizeBytes))));
  } catch (cause) {
    throw malformed(source.name, "is truncated, or was not written by Orbax", cause);
  }
}
