import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { InvalidInputError } from "../../lib/errors.ts";
import { checkOut } from "./checkout.ts";

describe("a checkout of another revision", () => {
  let repository: string;

  const git = (...args: string[]) => execFileSync("git", args, { cwd: repository, encoding: "utf8" }).trim();

  before(async () => {
    repository = await mkdtemp(join(tmpdir(), "repository-"));
    git("init", "--quiet");
    for (const text of ["old", "new"]) {
      await writeFile(join(repository, "file"), text);
      git("add", "file");
      git("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--message", text);
    }
  });

  after(() => rm(repository, { recursive: true }));

  it("has the revision's files, and is removed when it is disposed of", async () => {
    let folder: string;
    {
      await using checkout = await checkOut(repository, "HEAD~1");
      ({ folder } = checkout);
      assert.equal(checkout.revision, git("rev-parse", "HEAD~1"));
      assert.equal(await readFile(join(folder, "file"), "utf8"), "old");
    }
    assert.equal(existsSync(folder), false);
    assert.equal(await readFile(join(repository, "file"), "utf8"), "new");
    assert.equal(git("status", "--porcelain"), "");
  });

  it("is refused for a revision that the repository lacks", async () => {
    await assert.rejects(checkOut(repository, "none"), (error: Error) => {
      assert.ok(error instanceof InvalidInputError);
      assert.match(error.message, /--against none: git knows no such commit/);
      return true;
    });
    await assert.rejects(checkOut(repository, "--all"), InvalidInputError);
  });
});
