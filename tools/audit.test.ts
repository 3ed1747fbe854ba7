import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { parse } from "yaml";
import { z } from "zod";
import { repoRoot } from "./paths.mjs";
import { Machine } from "./testing/machine.ts";

const audit = join(repoRoot, "tools", "audit.mjs");

/** Returns the lock files of the repository that git does not ignore, sorted. */
function lockFiles(): string[] {
  const patterns = ["package-lock.json", "**/package-lock.json", "**/go.mod", "tools/python/*.txt"];
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", ...patterns.map((each) => `:(glob)${each}`)];
  return [...new Set(execFileSync("git", args, { cwd: repoRoot, encoding: "utf8" }).trim().split("\n"))].sort();
}

describe("the audit", () => {
  it("scans every lock file of the repository and FFmpeg", async () => {
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

  it("fails if the scanner fails, with the next step", async () => {
    await using machine = await Machine.create();
    await machine.command("go", "exit 1");
    const { status, stderr } = await machine.run(audit);
    assert.equal(status, 1);
    assert.match(stderr, /Update the vulnerable package\..*osv-scanner\.toml/);
  });

  it("fails without Go, and tells the user to install it", async () => {
    await using machine = await Machine.create();
    const { status, stderr } = await machine.run(audit);
    assert.equal(status, 1);
    assert.match(stderr, /^Cannot run go .*Install Go 1\.26 or newer/);
  });
});

describe("Dependabot", () => {
  const schema = z.object({
    updates: z.array(z.object({ "package-ecosystem": z.string(), directory: z.string() })),
  });

  it("watches every folder with a lock file, and GitHub Actions", async () => {
    const config = schema.parse(parse(await readFile(join(repoRoot, ".github", "dependabot.yml"), "utf8")));
    const ecosystems: [pattern: RegExp, ecosystem: string][] = [
      [/(^|\/)package-lock\.json$/, "npm"],
      [/(^|\/)go\.mod$/, "gomod"],
      [/^tools\/python\/\w+\.txt$/, "uv"],
    ];
    const expected = lockFiles().map((file) => {
      const ecosystem = ecosystems.find(([pattern]) => pattern.test(file))?.[1] ?? "unknown";
      return `${ecosystem} ${join("/", file, "..")}`;
    });
    const watched = config.updates.map((update) => `${update["package-ecosystem"]} ${update.directory}`);
    assert.deepEqual(watched.sort(), [...new Set([...expected, "github-actions /"])].sort());
  });
});
