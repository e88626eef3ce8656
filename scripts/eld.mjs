// An esbuild plugin: the n-grams of the language detector `eld` as JSON text. As a literal of JavaScript, a megabyte of
// small objects, they took 87 MB and 0.7 s to load, of which 46 MB stayed with the allocator; as JSON 30 MB and 0.15 s.
import { pathToFileURL } from "node:url";

/** The plugin. */
export const eld = {
  name: "eld",
  setup({ onLoad }) {
    onLoad({ filter: /\beld[\\/]src[\\/]ngrams[\\/]\w+\.js$/ }, async ({ path }) => {
      const { ngramsData } = await import(pathToFileURL(path).href);
      const text = JSON.stringify(JSON.stringify(ngramsData));
      return { contents: `export const ngramsData = JSON.parse(${text});`, loader: "js" };
    });
  },
};
