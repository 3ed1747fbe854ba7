import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { plural, sizeOf } from "./format.ts";

const root = join(import.meta.dirname, "..", "..");

/** Nouns that the messages count. */
const things =
  "attempt|byte|character|file|frame|instance|job|line|message|minute|request|result|second|test|time|video|word";

/** A number in a template or a concatenation, followed by a plural noun: wrong for 1. */
const fixedPlural = new RegExp(String.raw`(\}|["\`] \+) ?["\`]? ?(more |other |valid )?(${things})s\b`, "g");

describe("counts in messages", () => {
  it("have the singular only for one", () => {
    assert.deepEqual(
      [0, 1, 2].map((count) => plural(count, "instance")),
      ["0 instances", "1 instance", "2 instances"],
    );
    assert.equal(plural(2, "link to a folder", "links to folders"), "2 links to folders");
  });

  it("are formatted by the helper in every message of client and smoke test", () => {
    const sources = globSync("{client,smoke}/**/*.ts", { cwd: root }).filter(
      (file) => !/(\.test|\.e2e)\.ts$|\/(testing|bench)\//.test(file),
    );
    assert.ok(sources.length > 60, `${sources.length} files`);
    const found = sources.flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(fixedPlural)].map(([text]) => `${file}: ${text}`),
    );
    assert.deepEqual(found, []);
  });
});

describe("sizes in messages", () => {
  it("are not zero for small files", () => {
    assert.deepEqual([0, 600, 10_200, 100_000, 12_300_000, 1_230_000_000].map(sizeOf), [
      "0 bytes",
      "600 bytes",
      "10.2 kB",
      "0.1 MB",
      "12.3 MB",
      "1.23 GB",
    ]);
  });
});
