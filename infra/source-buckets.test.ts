/** Tests the setting sourceBuckets: the permissions of the endpoint and of callers, and the stack's output. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { allows, statements } from "./testing/documents.ts";
import type { Statement } from "./testing/documents.ts";
import { region, registrationsOf } from "./testing/registrations.ts";
import { stackConfig } from "./testing/stacks.ts";

const sourceKey = `arn:aws:kms:${region}:210987654321:key/0a1b2c3d-0000-1111-2222-333344445555`;
/** Imports index.ts anew: Node evaluates a module once for each URL. */
const program = "./index.ts?sources";
const sources = [{ bucket: "team-videos", prefix: "clips/", keyArn: sourceKey }, { bucket: "archive" }];

describe("source buckets", () => {
  let folder: string;
  let outputs: Readonly<Record<string, unknown>>;
  const readers = new Map<string, Statement[]>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sources-"));
    const artifact = join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
    const config = {
      ...stackConfig("dev", artifact),
      "async-video-inference:sourceBuckets": JSON.stringify(sources),
    };
    const deployed = await registrationsOf(() => import(program), { stack: "dev", config });
    ({ outputs } = deployed);
    const policyOf = (type: string, name: string) =>
      statements(deployed.registrations.one(type, name).inputs["policy"]);
    readers.set("the execution role", policyOf("aws:iam/rolePolicy:RolePolicy", "video-dev-execution"));
    readers.set("callers", policyOf("aws:iam/policy:Policy", "video-dev-caller"));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  it("are an output, each as an s3:// prefix", () => {
    assert.deepEqual(outputs["sourceLocations"], ["s3://team-videos/clips/", "s3://archive/"]);
  });

  for (const who of ["the execution role", "callers"]) {
    it(`may be read by ${who}, only below their prefix, and decrypted with their key`, () => {
      const may = (action: string, resource: string) => allows(readers.get(who)!, { action, resource });
      assert.ok(may("s3:GetObject", "arn:aws:s3:::team-videos/clips/a.mp4"));
      assert.ok(may("s3:GetObject", "arn:aws:s3:::archive/2019/a.mp4"));
      assert.ok(may("s3:ListBucket", "arn:aws:s3:::team-videos"));
      assert.ok(may("kms:Decrypt", sourceKey));
      assert.ok(!may("s3:GetObject", "arn:aws:s3:::team-videos/private/a.mp4"));
      assert.ok(!may("s3:GetObject", "arn:aws:s3:::archive-2/a.mp4"));
    });

    it(`may not be changed by ${who}`, () => {
      const may = (action: string, resource: string) => allows(readers.get(who)!, { action, resource });
      assert.ok(!may("s3:PutObject", "arn:aws:s3:::team-videos/clips/a.mp4"));
      assert.ok(!may("s3:DeleteObject", "arn:aws:s3:::archive/a.mp4"));
      assert.ok(!may("kms:GenerateDataKey", sourceKey));
    });
  }
});
