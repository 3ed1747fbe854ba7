import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { repoRoot } from "./paths.mjs";
import { Machine } from "./testing/machine.ts";

const audit = join(repoRoot, "tools", "audit.mjs");

/** All lock files of the repository: those that git would commit. */
function lockFiles(): string[] {
  const patterns = ["package-lock.json", "**/package-lock.json", "**/go.mod", "tools/python/*.txt"];
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", ...patterns.map((each) => `:(glob)${each}`)];
  return [...new Set(execFileSync("git", args, { cwd: repoRoot, encoding: "utf8" }).trim().split("\n"))].sort();
}

describe("the audit", () => {
  it("asks about every lock file of the repository and about FFmpeg", async () => {
    await using machine = await Machine.create();
    await machine.command("go", `for word; do echo "$word"; done`);
    const { status, stdout } = await machine.run(audit);
    assert.equal(status, 0);
    const words = stdout.trim().split("\n");
    const locks = words.filter((_word, index) => words[index - 1] === "--lockfile");
    const files = locks.map((lock) => lock.slice(lock.indexOf(repoRoot) + repoRoot.length + 1));
    assert.ok(lockFiles().length > 6);
    assert.deepEqual(files.sort(), [...lockFiles(), "tools/osv-scanner/ffmpeg.json"].sort());
  });

  it("fails with the scanner, and says what to do", async () => {
    await using machine = await Machine.create();
    await machine.command("go", "exit 1");
    const { status, stderr } = await machine.run(audit);
    assert.equal(status, 1);
    assert.match(stderr, /Update what the advisory is about.*osv-scanner\.toml/);
  });

  it("fails on a machine without Go, and says so", async () => {
    await using machine = await Machine.create();
    const { status, stderr } = await machine.run(audit);
    assert.equal(status, 1);
    assert.match(stderr, /^go did not start .*install Go 1\.26 or newer/);
  });
});

describe("Dependabot", () => {
  const schema = z.object({
    updates: z.array(z.object({ "package-ecosystem": z.string(), directory: z.string() })),
  });

  it("is told of every folder with a lock file, and of the actions", async () => {
    const config = schema.parse(parse(await readFile(join(repoRoot, ".github", "dependabot.yml"), "utf8")));
    const ecosystems: [pattern: RegExp, ecosystem: string][] = [
      [/(^|\/)package-lock\.json$/, "npm"],
      [/(^|\/)go\.mod$/, "gomod"],
      [/^tools\/python\/\w+\.txt$/, "uv"],
    ];
    const wanted = lockFiles().map((file) => {
      const ecosystem = ecosystems.find(([pattern]) => pattern.test(file))?.[1] ?? "unknown";
      return `${ecosystem} ${join("/", file, "..")}`;
    });
    const told = config.updates.map((update) => `${update["package-ecosystem"]} ${update.directory}`);
    assert.deepEqual(told.sort(), [...new Set([...wanted, "github-actions /"])].sort());
  });
});
