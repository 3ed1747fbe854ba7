import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { repoRoot } from "../paths.mjs";

/** Patterns that make a sentence hard to read, and the lines in which they are right. */
const { patterns, allowed } = z
  .strictObject({
    patterns: z.array(z.string().transform((pattern) => new RegExp(pattern, "iu"))),
    allowed: z.array(z.strictObject({ file: z.string(), line: z.string(), reason: z.string().min(10) })),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "style.json"), "utf8")));

/** Start of a line of prose: white space, and the marks of comments, lists, quotations and headings. */
const marks = /^[\s/*#>"'`-]*/;

/** A statement that starts with a question word; a question ends with a question mark. */
const clause = /^(What|Where|Whether)\b(?!.*\?)/;

function isHit(line: string): boolean {
  return patterns.some((pattern) => pattern.test(line)) || clause.test(line.replace(marks, ""));
}

describe("the words of the repository", () => {
  const files = execFileSync("git", ["ls-files", "-z", "*.md", "*.ts", "*.mjs", "*.py", "*.yml"], { cwd: repoRoot })
    .toString()
    .split("\0")
    .filter((file) => file !== "");
  const hits = files.flatMap((file) =>
    readFileSync(join(repoRoot, file), "utf8")
      .split("\n")
      .filter(isHit)
      .map((line) => ({ file, line: line.trim() })),
  );
  const keyOf = ({ file, line }: { readonly file: string; readonly line: string }) => `${file}: ${line}`;

  it("are plain: each exception is listed with its reason", () => {
    const known = new Set(allowed.map(keyOf));
    assert.deepEqual(
      hits.map(keyOf).filter((key) => !known.has(key)),
      [],
      "Rewrite the sentence (CONTRIBUTING.md), or add it to tools/docs-check/style.json with a reason.",
    );
  });

  it("have at most 60 exceptions, and none that no longer exists", () => {
    const found = new Set(hits.map(keyOf));
    assert.deepEqual(
      allowed.map(keyOf).filter((key) => !found.has(key)),
      [],
    );
    assert.ok(hits.length <= 60, `${hits.length} lines`);
  });

  for (const line of ["/** What to invoke. */", "# Where videos go", "it goes on", "- Whether it is up."]) {
    it(`finds "${line}"`, () => {
      assert.ok(isHit(line));
    });
  }

  for (const line of ["## What does it cost?", "the goal", "It states where videos are."]) {
    it(`accepts "${line}"`, () => {
      assert.ok(!isHit(line));
    });
  }
});
