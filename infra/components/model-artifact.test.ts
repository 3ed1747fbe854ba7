/** Tests the artifact's object. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { ModelArtifact } from "./model-artifact.ts";
import { registrationsOf } from "../testing/registrations.ts";
import type { Registration } from "../testing/registrations.ts";

describe("ModelArtifact", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "artifact-"));
  });
  after(() => rm(folder, { recursive: true }));

  async function upload(file: string, content: string): Promise<{ key: unknown; url: unknown; object: Registration }> {
    const artifact = join(folder, file);
    await writeFile(artifact, content);
    const { registrations, outputs } = await registrationsOf(() => ({
      url: new ModelArtifact("detector", { path: artifact, bucket: "clips" }).url,
    }));
    const object = registrations.one("aws:s3/bucketObjectv2:BucketObjectv2");
    const { inputs } = object;
    assert.equal(inputs["bucket"], "clips");
    return { key: inputs["key"], url: outputs["url"], object };
  }

  it("has a key that contains the content's SHA-256, and a URL that follows from it", async () => {
    const { key, url } = await upload("model.tar.gz", "weights");
    const hash = createHash("sha256").update("weights").digest("hex");
    assert.equal(key, `models/${hash}/model.tar.gz`);
    assert.equal(url, `s3://clips/${key}`);
  });

  it("is kept when another one replaces it", async () => {
    const { object } = await upload("model.tar.gz", "weights");
    assert.equal(object.deleteBeforeReplace, false);
    assert.equal(object.retainOnDelete, true);
  });

  it("has the same key for the same content in any file, and another for other content", async () => {
    const { key } = await upload("model.tar.gz", "weights");
    assert.equal((await upload("copy.tar.gz", "weights")).key, key);
    assert.notEqual((await upload("model.tar.gz", "other weights")).key, key);
  });
});
