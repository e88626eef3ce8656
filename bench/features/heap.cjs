// Loaded into the server and the engine (NODE_OPTIONS): at SIGUSR2 it collects garbage and writes what is in use to a file.
const { writeFileSync, renameSync } = require("node:fs");
const { join } = require("node:path");
const { setFlagsFromString } = require("node:v8");
const { runInNewContext } = require("node:vm");

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
process.on("SIGUSR2", () => {
  for (let i = 0; i < 3; i++) collect();
  const path = join(process.env.SPANFILL_BENCH_HEAP, String(process.pid));
  writeFileSync(`${path}.part`, JSON.stringify(process.memoryUsage()));
  renameSync(`${path}.part`, path);
});
