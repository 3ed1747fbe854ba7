import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { makeRunFolder } from "./run-folder.ts";

describe("the folder of a run", () => {
  let out: string;

  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), "out-"));
  });

  afterEach(() => rm(out, { recursive: true }));

  it("is new for each run", async () => {
    const folder = join(out, "new", "out");
    assert.equal(await makeRunFolder(folder), join(folder, "run-1"));
    assert.equal(await makeRunFolder(folder), join(folder, "run-2"));
  });

  it("comes after the newest one, also if earlier ones were removed", async () => {
    await mkdir(join(out, "run-9"));
    await mkdir(join(out, "burst-10"));
    await writeFile(join(out, "run-11"), "a file of that name");
    assert.equal(basename(await makeRunFolder(out)), "run-12");
  });

  it("is one for each of several runs at once", async () => {
    const folders = await Promise.all(Array.from({ length: 8 }, () => makeRunFolder(out)));
    assert.equal(new Set(folders).size, 8);
  });
});
