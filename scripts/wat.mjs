// An esbuild plugin: `import bytes from "./kernels.wat"` gives what the WebAssembly text assembles to, as a Uint8Array.
import { readFileSync } from "node:fs";
import initWabt from "wabt";

/** Assembles a file of WebAssembly text. @throws Error that names the line when it is not well formed or not valid */
export async function assemble(path) {
  const wabt = await initWabt();
  const module = wabt.parseWat(path, readFileSync(path, "utf8"), { simd: true });
  try {
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** The plugin. */
export const wat = {
  name: "wat",
  setup({ onLoad }) {
    onLoad({ filter: /\.wat$/ }, async ({ path }) => ({ contents: await assemble(path), loader: "binary" }));
  },
};
