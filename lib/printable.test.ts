import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { printable, printableText, quoted } from "./printable.ts";

describe("printable text", () => {
  for (const [kind, text, shown] of [
    ["a terminal's escape sequence", "\u001b]52;c;QQ==\u0007", String.raw`\x1b]52;c;QQ==\x07`],
    ["a C1 control character", "\u009b2J", String.raw`\x9b2J`],
    ["a line break", "failed\nvideo.mp4: completed\r", String.raw`failed\nvideo.mp4: completed\r`],
    ["a bidirectional override", "a\u202egpj.exe", String.raw`a\u202egpj.exe`],
    ["an invisible tag", "a\u{e0041}", String.raw`a\u{e0041}`],
    ["a line separator", "a\u2028b", String.raw`a\u2028b`],
    ["a workflow command", "  ::stop-commands::x", String.raw`  \x3a:stop-commands::x`],
    ["an old workflow command within a line", "log: ##[add-mask]x", String.raw`log: #\x23[add-mask]x`],
  ] as const) {
    it(`shows ${kind} as escapes`, () => {
      assert.equal(printable(text), shown);
    });
  }

  it("leaves letters, marks, symbols and emoji of any script as they are", () => {
    const text = "Straße 東京 é ‑ “x” 🚗 s3://a/b::c #[1]";
    assert.equal(printable(text), text);
    assert.equal(printableText(text), text);
  });

  it("keeps a text's own lines and tabs", () => {
    assert.equal(printableText("a\r\n\tb\u001b\n::c"), `a\n\tb${String.raw`\x1b`}\n${String.raw`\x3a:c`}`);
  });

  it("marks each quoted line of a log", () => {
    assert.equal(quoted("  ::error::x\r\nTraceback\n\n"), `|   ${String.raw`\x3a:error::x`}\n| Traceback\n| \n| `);
  });
});
