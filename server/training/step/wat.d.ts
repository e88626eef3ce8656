/** WebAssembly's text, assembled as the sources are bundled (scripts/wat.mjs). */
declare module "*.wat" {
  const bytes: Uint8Array<ArrayBuffer>;
  export = bytes;
}
