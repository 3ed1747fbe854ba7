import assert from "node:assert/strict";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { checkVideo, maxObjectBytes } from "../../client/src/index.ts";
import { changeSettings, parseSetting } from "../deployment/settings-file.ts";
import { maxBytesOf } from "./local-size-limit.ts";
import { localSettings } from "./weights.ts";

const mebibyte = 1024 ** 2;

describe("the size limit of npm start", function () {
  this.timeout(60_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "size-limit-"));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  const limitWith = async (...settings: readonly string[]): Promise<number> => {
    const file = join(folder, "Pulumi.local.yaml");
    await changeSettings(localSettings, file, settings.map(parseSetting));
    return await maxBytesOf(file);
  };

  it("is S3's limit with requests by reference", async () => {
    assert.equal(await limitWith(), maxObjectBytes);
  });

  it("is maxRequestSize with requests: payload", async () => {
    assert.equal(await limitWith("requests=payload"), 128 * mebibyte);
  });

  it("refuses a larger video with network isolation, whose requests have the video as body, with exit status 2", async () => {
    const video = join(folder, "large.mp4");
    await writeFile(video, "");
    await truncate(video, 3 * mebibyte);
    const limit = await limitWith("networkIsolation=true", "maxRequestSize=2");
    await assert.rejects(checkVideo(video, limit), { name: "InputError", exitCode: 2 });
  });

  it("is maxRequestSize in a VPC without an endpoint of S3", async () => {
    const network = ["subnetIds=[subnet-0a1b2c3]", "securityGroupIds=[sg-0a1b2c3]"];
    assert.equal(await limitWith(...network), 128 * mebibyte);
    assert.equal(await limitWith(...network, "s3Endpoint=true"), maxObjectBytes);
  });
});
