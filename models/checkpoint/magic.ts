/** The bytes by which formats are recognized, apart from their readers, which are loaded when they are needed. */

/** The first bytes of a zip archive. */
export const ZIP_MAGIC = Uint8Array.of(0x50, 0x4b, 3, 4);

/** The first bytes of a file that PyTorch saved in its older layout: a pickle of PyTorch's magic number. */
export const TORCH_MAGIC = Uint8Array.of(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19);

/** The same in protocols 0 and 1. */
export const TORCH_MAGIC_DECIMAL = new TextEncoder().encode("L119547037146038801333356L\n");

/** The last bytes of the index of a TensorFlow checkpoint. */
export const BUNDLE_MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

/** The first bytes of a GGUF file. */
export const GGUF_MAGIC = Uint8Array.of(0x47, 0x47, 0x55, 0x46);

/** The first bytes of an HDF5 file. */
export const HDF5_MAGIC = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a);

/** The first bytes of an Orbax checkpoint's `_METADATA`. */
export const ORBAX_START = new TextEncoder().encode('{"tree_metadata":');
