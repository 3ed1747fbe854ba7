import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { jsonLine, printable, printableText } from "./printable.ts";

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
