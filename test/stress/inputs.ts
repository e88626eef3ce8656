/** Bad inputs of every reader, searched by coverage for some seconds each. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { checked, type Finding, type Part, type Scale } from "./part.ts";

/** The part. */
export const inputs: Part = { name: "inputs", title: "Damaged inputs", run };

async function run({ isLong }: Scale): Promise<Finding[]> {
  const args = ["scripts/fuzz.mjs", "--seconds", isLong ? "40" : "4"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const [code] = await once(child, "close");
  const lines = [...text.matchAll(/^(\S+) +(\d+) inputs, coverage/gm)];
  const inputs = lines.reduce((sum, [, , count]) => sum + Number(count), 0);
  if (lines.length === 0) return [checked("not tried: Jazzer.js did not run here", "-", "to run", false)];
  return [
    { what: "readers, inputs read", figure: `${lines.length}, ${inputs.toLocaleString("en-US")}` },
    checked("crashes, hangs, memory that stays", code === 0 ? "0" : "see above", "0", code === 0),
  ];
}
