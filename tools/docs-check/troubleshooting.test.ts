/** Tests that the messages in docs/troubleshooting.md are in the source. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { repoRoot } from "../paths.mjs";

const page = readFileSync(join(repoRoot, "docs", "troubleshooting.md"), "utf8");
const entries = [...page.matchAll(/^You see: `([^`]+)` \(\[([^\]]+)\]/gm)];

describe("docs/troubleshooting.md", () => {
  it("has a message in each entry", () => {
    const sections = page.split(/^## /m).slice(1);
    for (const section of sections) assert.match(section, /^You see: `[^`]+` \(\[[^\]]+\]\(/m, section.split("\n")[0]);
    assert.ok(sections.length >= 10);
  });

  for (const [, message = "", file = ""] of entries) {
    it(`quotes ${file}: ${message}`, () => {
      const source = readFileSync(join(repoRoot, file), "utf8");
      const missing = message.split("…").filter((part) => !source.includes(part.trim()));
      assert.deepEqual(missing, []);
    });
  }
});
