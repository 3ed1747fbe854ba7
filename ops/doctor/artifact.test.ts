/** Tests the doctor's check of the model artifact. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { create } from "tar";
import { artifactKey } from "../deployment/settings-file.ts";
import { checkArtifact } from "./artifact.ts";
import { stackFile } from "./testing/stack.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The content of an artifact of model/package.py, reduced. */
const good = {
  "code/inference.py": "def model_fn(): ...\n",
  // Random, so that it hardly compresses and a cut is in the middle of it.
  "model.pt": Array.from({ length: 4096 }, (_, index) => sha256(String(index))).join(""),
  "model.json": JSON.stringify({ name: "detector", notice: null }),
};

function manifestOf(files: Readonly<Record<string, string>>): string {
  const hashes = Object.entries(files).map(([name, text]) => [name, sha256(text)]);
  return JSON.stringify({
    files: Object.fromEntries(hashes) as object,
    model: { name: "Detector", weights: "model.pt" },
  });
}

describe("the artifact", () => {
  let root: string;
  const file = (): string => join(root, "model.tar.gz");
  const check = (name = "dev") => checkArtifact(stackFile({ name, root, values: { [artifactKey]: "model.tar.gz" } }));

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "doctor-"));
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  async function pack(files: Readonly<Record<string, string>>, gzip = true, prefix = ""): Promise<void> {
    const content = join(root, "content");
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(content, name)), { recursive: true });
      await writeFile(join(content, name), text);
    }
    await create(
      { file: file(), cwd: content, gzip },
      Object.keys(files).map((name) => prefix + name),
    );
  }

  it("is ok if every file matches its manifest", async () => {
    await pack({ ...good, "manifest.json": manifestOf(good) });
    const { status, what } = await check();
    assert.equal(status, "ok", what);
    assert.match(what, /Detector, 4 files that match its manifest/);
  });

  it("is ok if its names start with ./", async () => {
    await pack({ ...good, "manifest.json": manifestOf(good) }, true, "./");
    assert.equal((await check()).status, "ok");
  });

  it("is a problem if the config sets none, or a missing file", async () => {
    assert.match((await checkArtifact(stackFile({ root }))).what, /does not set it/);
    const { status, what, remedy } = await check();
    assert.equal(status, "problem");
    assert.match(what, /model\.tar\.gz does not exist/);
    assert.match(remedy ?? "", /npm run package:coco/);
  });

  it("is a problem if a file differs from the manifest or is missing", async () => {
    await pack({ ...good, "model.pt": "other", "manifest.json": manifestOf(good) });
    assert.match((await check()).what, /1 of its files differ from its manifest \(model\.pt\)/);
    await pack({ ...good, "manifest.json": manifestOf({ ...good, "code/more.py": "" }) });
    assert.match((await check()).what, /\(code\/more\.py\)/);
  });

  it("is a problem if it is truncated or damaged", async () => {
    await pack({ ...good, "manifest.json": manifestOf(good) });
    const bytes = await readFile(file());
    await writeFile(file(), bytes.subarray(0, bytes.length / 2));
    assert.equal((await check()).status, "problem");
    const middle = bytes.length / 2;
    await writeFile(file(), Buffer.concat([bytes.subarray(0, middle), Buffer.alloc(64), bytes.subarray(middle + 64)]));
    assert.equal((await check()).status, "problem");
  });

  it("is a problem if it is not compressed with gzip, or is not an archive", async () => {
    await pack({ ...good, "manifest.json": manifestOf(good) }, false);
    assert.match((await check()).what, /not compressed with gzip/);
    await writeFile(file(), "");
    assert.equal((await check()).status, "problem");
  });

  it("is a problem if it has no handler", async () => {
    const { "model.pt": weights } = good;
    await pack({ "model.pt": weights });
    assert.match((await check()).what, /has no code\/inference\.py/);
  });

  it("is a warning if it has no manifest", async () => {
    await pack(good);
    assert.equal((await check()).status, "warning");
  });

  it("is a warning if its model card states a limitation, except on the stack local", async () => {
    const files = { ...good, "model.json": JSON.stringify({ notice: "Knows generated scenes only." }) };
    await pack({ ...files, "manifest.json": manifestOf(files) });
    const { status, what } = await check();
    assert.equal(status, "warning");
    assert.match(what, /Knows generated scenes only\./);
    assert.equal((await check("local")).status, "ok");
  });
});
