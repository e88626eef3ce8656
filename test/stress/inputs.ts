/** Bad inputs of every reader of checkpoints, for some seconds each. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { checked, type Finding, type Part, type Scale } from "./part.ts";

/** The part. */
export const inputs: Part = { name: "inputs", title: "Damaged checkpoints", run };

async function run({ isLong }: Scale): Promise<Finding[]> {
  const args = ["scripts/fuzz.mjs", "--seconds", isLong ? "40" : "4"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const [code] = await once(child, "close");
  const lines = [...text.matchAll(/^(\S+) +(\d+) files, (\d+) outcomes, (-?\d+) MB/gm)];
  const files = lines.reduce((sum, [, , count]) => sum + Number(count), 0);
  return [
    { what: "readers, damaged files read", figure: `${lines.length}, ${files.toLocaleString("en-US")}` },
    checked("crashes, hangs, memory that stays", code === 0 ? "0" : "see above", "0", code === 0),
  ];
}
