/** What the doctor says of the model's artifact. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { create } from "tar";
import { artifactKey, checkArtifact } from "./artifact.ts";
import { stackFile } from "./testing/stack.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What model/package.py makes, in small. */
const good = {
  "code/inference.py": "def model_fn(): ...\n",
  // Too random to be packed smaller, so that a cut is in the middle of it.
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
  const file = (): string => path.join(root, "model.tar.gz");
  const check = (name = "dev") => checkArtifact(stackFile({ name, root, values: { [artifactKey]: "model.tar.gz" } }));

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), "doctor-"));
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  async function pack(files: Readonly<Record<string, string>>, gzip = true): Promise<void> {
    const content = path.join(root, "content");
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(content, name)), { recursive: true });
      await writeFile(path.join(content, name), text);
    }
    await create({ file: file(), cwd: content, gzip }, Object.keys(files));
  }

  it("is sound where every file is the one of its manifest", async () => {
    await pack({ ...good, "manifest.json": manifestOf(good) });
    const { status, what } = await check();
    assert.equal(status, "ok", what);
    assert.match(what, /Detector, 4 files as its manifest says/);
  });

  it("is a problem where the config names none, or what is not there", async () => {
    assert.match((await checkArtifact(stackFile({ root }))).what, /names none/);
    const { status, what, remedy } = await check();
    assert.equal(status, "problem");
    assert.match(what, /model\.tar\.gz is not there/);
    assert.match(remedy ?? "", /npm run package:coco/);
  });

  it("is a problem where a file is not the manifest's, or lacks", async () => {
    await pack({ ...good, "model.pt": "other", "manifest.json": manifestOf(good) });
    assert.match((await check()).what, /1 of its files are not those of its manifest \(model\.pt\)/);
    await pack({ ...good, "manifest.json": manifestOf({ ...good, "code/more.py": "" }) });
    assert.match((await check()).what, /\(code\/more\.py\)/);
  });

  it("is a problem where it is cut short or damaged", async () => {
    await pack({ ...good, "manifest.json": manifestOf(good) });
    const bytes = await readFile(file());
    await writeFile(file(), bytes.subarray(0, bytes.length / 2));
    assert.equal((await check()).status, "problem");
    const middle = bytes.length / 2;
    await writeFile(file(), Buffer.concat([bytes.subarray(0, middle), Buffer.alloc(64), bytes.subarray(middle + 64)]));
    assert.equal((await check()).status, "problem");
  });

  it("is a problem where it is not packed by gzip, or is no archive", async () => {
    await pack({ ...good, "manifest.json": manifestOf(good) }, false);
    assert.match((await check()).what, /not packed by gzip/);
    await writeFile(file(), "");
    assert.equal((await check()).status, "problem");
  });

  it("is a problem where it has no handler", async () => {
    const { "model.pt": weights } = good;
    await pack({ "model.pt": weights });
    assert.match((await check()).what, /has no code\/inference\.py/);
  });

  it("is warned of where it has no manifest", async () => {
    await pack(good);
    assert.equal((await check()).status, "warning");
  });

  it("is warned of where its model says of itself what it does not know, but on the local stack", async () => {
    const files = { ...good, "model.json": JSON.stringify({ notice: "Knows generated scenes only." }) };
    await pack({ ...files, "manifest.json": manifestOf(files) });
    const { status, what } = await check();
    assert.equal(status, "warning");
    assert.match(what, /Knows generated scenes only\./);
    assert.equal((await check("local")).status, "ok");
  });
});
