/**
 * Makes foreign text safe to print: it cannot control a terminal, hide or reorder the output, or act as a workflow
 * command in a log of GitHub Actions. Use these functions for the output, not for the input.
 */

/** Control and format characters (bidirectional ones among them), and Unicode's line and paragraph separators. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * The runner takes a line as a command if it starts with `::` after white space, or if it contains `##[` anywhere
 * (actions/runner, src/Runner.Common/ActionCommand.cs: TryParseV2 and TryParse).
 */
const commandStart = /^(\s*):(?=:)/;
const oldCommandStart = "##[";

const names: ReadonlyMap<string, string> = new Map([
  ["\n", String.raw`\n`],
  ["\r", String.raw`\r`],
  ["\t", String.raw`\t`],
]);

/**
 * Returns text as one line: every control, format and separator character as a JavaScript escape, including line
 * breaks.
 */
export function printable(text: string): string {
  return withoutCommand(text.replaceAll(unprintable, escapeOf));
}

/** Returns text of several lines: line breaks and tabs stay, each line is otherwise {@link printable}. */
export function printableText(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) =>
      withoutCommand(
        line.replaceAll(unprintable, (character) => (character === "\t" ? character : escapeOf(character))),
      ),
    )
    .join("\n");
}

/**
 * Returns lines of another program's log, each marked as a quotation so that it is not taken for this program's
 * message.
 */
export function quoted(log: string): string {
  return printableText(log).replaceAll(/^/gm, "| ");
}

/** Returns a value as one line of JSON that is {@link printable} and parses to the same value. */
export function jsonLine(value: object): string {
  return JSON.stringify(value)
    .replaceAll(unprintable, (character) =>
      Array.from({ length: character.length }, (_, index) => unitEscape(character.charCodeAt(index))).join(""),
    )
    .replaceAll(oldCommandStart, String.raw`#\u0023[`);
}

function withoutCommand(line: string): string {
  return line.replace(commandStart, String.raw`$1\x3a`).replaceAll(oldCommandStart, String.raw`#\x23[`);
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return names.get(character) ?? `\\x${code.toString(16).padStart(2, "0")}`;
  return code <= 0xffff ? unitEscape(code) : `\\u{${code.toString(16)}}`;
}

/** Escapes a UTF-16 code unit for JavaScript and JSON. */
function unitEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
