/** TeX's own assignments, definitions and conditions, which set nothing that a reader sees. */
import { SYMBOLS } from "./commands.ts";
import { closingBrace } from "./groups.ts";

/** As far as a primitive without a group is read. */
const MOST_PRIMITIVE = 200;

const CONTROL = /\\(?:[a-zA-Z@]+(?![a-zA-Z@])|[^a-zA-Z\s])/.source;
/** A number, a dimension or a register, with a sign or a factor. */
const VALUE = `[-+]*(?:(?:\\d+(?:\\.\\d*)?|\\.\\d+|"[0-9A-F]+|'[0-7]+|\`\\\\?\\S)(?: ?(?:true ?)?(?:pt|in|mm|cm|em|ex|bp|pc|sp|dd|cc|mu|fil{1,3})\\b|${CONTROL})?|${CONTROL})`;
/** A value that may stretch and shrink. */
const GLUE = `${VALUE}(?: ?plus ?${VALUE})?(?: ?minus ?${VALUE})?`;
const LENGTHS =
  "hsize vsize hoffset voffset parindent parskip baselineskip lineskip topskip leftskip rightskip abovedisplayskip belowdisplayskip hangindent hangafter tolerance hbadness vbadness hfuzz vfuzz overfullrule maxdepth columnsep columnwidth textwidth textheight topmargin oddsidemargin evensidemargin headheight headsep footskip marginparwidth pageno magnification penalty";

/** Patterns of the arguments of each primitive. */
const FOLLOWING: ReadonlyMap<string, RegExp> = new Map([
  ...patterns("def edef gdef xdef", `\\s*${CONTROL}[^{}\\n]*(?=\\{)`),
  ...patterns("newskip newcount newdimen newtoks newbox newread newwrite newmuskip newif", `\\s*${CONTROL}`),
  ...patterns("let futurelet", `\\s*${CONTROL}\\s*(?:=\\s*)?(?:${CONTROL}|\\S)`),
  ...patterns("font", `\\s*${CONTROL}\\s*=\\s*\\S+(?:\\s+(?:scaled|at)\\s+\\S+)?`),
  ...patterns("advance multiply divide", `\\s*${CONTROL}\\s*(?:by\\s*)?${GLUE}`),
  ...patterns("vskip hskip kern mskip mkern raise lower moveleft moveright", `\\s*${GLUE}`),
  ...patterns(
    "catcode lccode uccode sfcode mathcode delcode",
    `\\s*(?:\`\\\\?(?:\\^\\^)?\\S|\\d+)\\s*(?:=\\s*)?${VALUE}`,
  ),
  ...patterns("chardef mathchardef countdef dimendef skipdef", `\\s*${CONTROL}\\s*(?:=\\s*)?${VALUE}`),
  ...patterns("ifnum ifdim", `\\s*${VALUE}\\s*[<>=]\\s*${VALUE}`),
  ...patterns("ifodd ifcase", `\\s*${VALUE}`),
  ...patterns("if ifx ifcat", `\\s*(?:${CONTROL}|\\S)\\s*(?:${CONTROL}|\\S)`),
  ...patterns("input openin openout", "[ \\t]+[^\\s{}\\\\]+"),
  ...patterns("hbox vbox vtop vcenter hrule vrule", `(?:\\s*(?:to|spread|width|height|depth) ?${VALUE})*`),
  ...patterns("message errmessage special write", "\\s*(?:\\d+\\s*)?(?=\\{)"),
  ...patterns(
    "immediate global long outer protected relax romannumeral number the expandafter noexpand csname endcsname",
    "",
  ),
  ...patterns(LENGTHS, `[ \\t]*=?[ \\t]*${GLUE}`),
]);
/** Primitives whose group is not shown either. */
const WITH_GROUP = new Set(["def", "edef", "gdef", "xdef", "message", "errmessage", "special", "write"]);
/** An assignment to a register or parameter of any name. */
const ASSIGNMENT = new RegExp(`[ \\t]*=[ \\t]*${GLUE}(?![\\w.])`, "y");

/**
 * Where a primitive of TeX with all that belongs to it ends.
 * @param after where its name ends
 * @returns undefined: the command is not a primitive, or is followed by something else
 */
export function primitiveEnd(text: string, name: string, after: number): number | undefined {
  const known = FOLLOWING.get(name);
  if (known === undefined && name in SYMBOLS) return undefined;
  const pattern = known ?? ASSIGNMENT;
  const near = text.slice(after, after + MOST_PRIMITIVE);
  pattern.lastIndex = 0;
  const found = pattern.exec(near);
  if (found === null) return undefined;
  const end = after + found[0].length;
  return WITH_GROUP.has(name) ? closingBrace(text, end) : end;
}

function patterns(names: string, following: string): (readonly [string, RegExp])[] {
  return names.split(" ").map((name) => [name, new RegExp(following, "y")] as const);
}
