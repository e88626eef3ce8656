// What is in a package, held against what may be in it.
import { basename, relative } from "node:path";
import { root, tool } from "./editor/tools.mjs";

/** Open VSX takes 256 MB. */
const MOST_BYTES = 100e6;

/** The files of a zip archive and their unpacked sizes. */
export async function zipEntries(path) {
  const zip = await new Promise((resolve, reject) => {
    tool("yauzl").open(path, { lazyEntries: true }, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const entries = [];
  await new Promise((resolve, reject) => {
    zip.on("error", reject).on("end", resolve);
    zip.on("entry", ({ fileName, uncompressedSize }) => {
      entries.push({ path: fileName, bytes: uncompressedSize });
      zip.readEntry();
    });
    zip.readEntry();
  });
  return entries;
}

/** Prints what is in a package; ends with exit code 1 when something is in it that may not be, or is missing. */
export function report(path, packedBytes, entries, allowed, needed) {
  const width = Math.max(...entries.map(({ path: name }) => name.length));
  for (const { path: name, bytes } of entries.toSorted((a, b) => b.bytes - a.bytes)) {
    console.log(`  ${name.padEnd(width)}  ${(bytes / 1e3).toFixed(1).padStart(10)} kB`);
  }
  const unpacked = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(
    `${relative(root, path)}: ${entries.length} files, ${(packedBytes / 1e6).toFixed(1)} MB, ${(unpacked / 1e6).toFixed(1)} MB unpacked`,
  );
  if (!entries.some(({ path: name }) => name.endsWith("/model.int8.safetensors"))) {
    console.error("Warning: there is no built-in model in models/builtin, so the package holds none.");
  }
  const problems = [
    ...entries
      .filter(({ path: name }) => !allowed.some((rule) => rule.test(name)))
      .map(({ path: name }) => `${name} may not be in it`),
    ...needed.filter((name) => !entries.some((entry) => entry.path === name)).map((name) => `${name} is missing`),
    ...(packedBytes > MOST_BYTES ? [`it is larger than ${MOST_BYTES / 1e6} MB`] : []),
  ];
  if (problems.length === 0) return;
  console.error(`${basename(path)} is not as it should be:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
