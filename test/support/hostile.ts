/** Texts that someone hostile would have shown, and how VS Code and terminals would take them. */
import assert from "node:assert/strict";

/** Types into the terminal when it is clicked in a notification of VS Code. */
export const LINK =
  "[Repair the model](command:workbench.action.terminal.sendSequence?%7B%22text%22%3A%22touch%20x%5Cn%22%7D)";

/**
 * A bit of everything: links, icons, terminal escapes of seven and eight bits, line ends, direction overrides, what is
 * not seen.
 */
export const HOSTILE = [
  LINK,
  "[a[Open the manual](c)](command:workbench.action.terminal.new)",
  "[site](https://evil.example 'title')",
  "[split]\u200b(command:x)",
  "$(error) $(sync~spin)",
  "\u001b]0;pwned\u0007\u001b[31mred\u001b[0m\u001b]8;;https://evil.example\u001b\\here\u001b]8;;\u001b\\",
  "\u009b31m\u009d0;x\u009c\u0090q\u009c",
  "a\r\n2026-01-01 00:00:00.000 [info] forged\u2028\u0085\u000b",
  "\u202egnp.exe\u2066x\u2069\u200f\u061c",
  "z\u200d\u200d\u200bw\ufeff\u{e0041}\u00ad",
  `Z${"\u0301".repeat(50)}`,
  "<a href='https://evil.example'>x</a> https://evil.example www.evil.example a@evil.example ![i](https://evil.example/i.png)",
  "\ud800",
].join(" ");

/** VS Code's own pattern of a link in a text that is no Markdown (src/vs/base/common/linkedText.ts). */
export const VSCODE_LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/gi;
/** VS Code's own pattern of an icon in a label (src/vs/base/common/iconLabels.ts). */
export const VSCODE_ICON = /\$\([a-z0-9-]+(?:~[a-z]+)?\)/gi;

/**
 * Asserts that a text commands no terminal, hides nothing and turns no direction.
 * @param kept control characters that may stay
 */
export function assertPlain(text: string, kept = ""): void {
  const bad = [...text].filter((one) => /[\p{Cc}\p{Cs}\u2028\u2029]/u.test(one) && !kept.includes(one));
  assert.deepEqual(bad, [], `control characters in ${JSON.stringify(text)}`);
  assert.doesNotMatch(text, /[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u061c\u00ad\ufeff\u{e0000}-\u{e0fff}]/u);
  assert.doesNotMatch(text, /\p{M}{9}/u);
}

/** {@link assertPlain}, on one line, without links or icons, and no longer than that. */
export function assertShown(text: string, most: number): void {
  assertPlain(text);
  assert.doesNotMatch(text, VSCODE_LINK);
  assert.doesNotMatch(text, VSCODE_ICON);
  assert.ok(text.length <= most, `${text.length} characters`);
}
