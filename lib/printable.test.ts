import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { jsonLine, printable, printableText, quoted } from "./printable.ts";

/** Tells whether GitHub's runner takes the line as a command: a short form of its two parsers. */
const acts = (line: string): boolean => line.trimStart().startsWith("::") || line.includes("##[");

/** Texts composed of the dangerous parts. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\u001b]0;title\u0007",
        "\u009b2J",
        "\u202e",
        "\u2066",
        "\u2028",
        "\u{e0041}",
        "::",
        "##[",
        "#",
        " ",
        "\t",
      ),
      fc.constantFrom("\r\n", "\n", "\r", "\\", "a"),
      fc.string({ unit: "binary" }),
    ),
  )
  .map((parts) => parts.join(""));

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

  it("never controls a terminal or acts as a command", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        assert.doesNotMatch(printable(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        assert.ok(!acts(printable(text)));
        for (const line of printableText(text).split("\n")) {
          assert.doesNotMatch(line, /[^\P{Cc}\t]|[\p{Cf}\p{Zl}\p{Zp}]/u);
          assert.ok(!acts(line), line);
        }
      }),
    );
  });

  it("keeps the value in JSON", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = jsonLine({ [text]: text });
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        assert.ok(!acts(line));
        assert.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify({ [text]: text })));
      }),
    );
  });
});
