import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { Artifacts } from "./artifacts.ts";

const run = { run: 1, attempt: 1 };

describe("artifacts of runs", () => {
  let folder: string;
  let artifacts: Artifacts;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "artifacts-"));
    artifacts = new Artifacts(join(folder, "kept"));
    await mkdir(join(folder, "plan"));
    await writeFile(join(folder, "plan", "prod.json"), "{}");
    await writeFile(join(folder, "plan", ".hidden"), "");
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("have a file at their root, independent of its original folder, and are found by name and by number", async () => {
    const { "artifact-id": id = "" } = await artifacts.upload({ name: "plan", path: "plan/prod.json" }, folder, run);
    await artifacts.download({ name: "plan", path: "a/b" }, folder, run);
    await artifacts.download({ "artifact-ids": id, path: "c" }, folder, run);
    for (const each of ["a/b", "c"]) assert.equal(await readFile(join(folder, each, "prod.json"), "utf8"), "{}");
  });

  it("are only those of the run", async () => {
    const { "artifact-id": id = "" } = await artifacts.upload({ name: "plan", path: "plan" }, folder, run);
    await assert.rejects(artifacts.download({ name: "plan", path: "a" }, folder, { run: 2 }), /there is no plan/);
    await assert.rejects(artifacts.download({ "artifact-ids": id, path: "a" }, folder, { run: 2 }), /there is no/);
  });

  it("leave out hidden files", async () => {
    await artifacts.upload({ name: "plan", path: "plan" }, folder, run);
    await artifacts.download({ name: "plan", path: "a" }, folder, run);
    assert.deepEqual(await readdir(join(folder, "a")), ["prod.json"]);
  });

  it("of a pattern are merged, or each has a folder; a pattern without a match is no error", async () => {
    for (const name of ["report-dev", "report-prod", "model"]) {
      await artifacts.upload({ name, path: "plan/prod.json" }, folder, run);
    }
    await artifacts.download({ pattern: "report-*", path: "each" }, folder, run);
    await artifacts.download({ pattern: "report-*", "merge-multiple": "true", path: "merged" }, folder, run);
    await artifacts.download({ pattern: "other-*", path: "none" }, folder, run);
    assert.deepEqual(await readdir(join(folder, "each")), ["report-dev", "report-prod"]);
    assert.deepEqual(await readdir(join(folder, "merged")), ["prod.json"]);
    assert.deepEqual(await readdir(join(folder, "none")), []);
  });

  it("fail without files if the inputs say so, and for an existing name in the attempt", async () => {
    const missing = { name: "plan", path: "missing.json" };
    await assert.rejects(
      artifacts.upload({ ...missing, "if-no-files-found": "error" }, folder, run),
      /No files were found/,
    );
    assert.deepEqual(await artifacts.upload({ ...missing, "if-no-files-found": "ignore" }, folder, run), {});
    await artifacts.upload({ name: "plan", path: "plan" }, folder, run);
    await assert.rejects(artifacts.upload({ name: "plan", path: "plan" }, folder, run), /exists in this run/);
    await artifacts.upload({ name: "plan", path: "plan" }, folder, { run: 1, attempt: 2 });
  });

  it("refuse unknown inputs", async () => {
    await assert.rejects(artifacts.upload({ name: "plan", path: "plan", overwrite: "true" }, folder, run), /overwrite/);
    await assert.rejects(artifacts.download({ path: "a" }, folder, run), /exactly one of/);
  });
});
