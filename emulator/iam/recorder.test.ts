/** Tests the record of decisions for `npm run iam:record`. */

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, it } from "mocha";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { CreateGrantCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { allow, createRole, sessionOf } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, testAccount } from "../testing/test-gateway.ts";

const principal = `arn:aws:sts::${testAccount}:assumed-role/reader/test`;

describe("a recording launcher", function () {
  this.timeout(60_000);
  let folder: string;
  let file: string;
  let aws: TestAws;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "recorder-"));
    file = join(folder, "decisions.jsonl");
    process.env["LAUNCHER_RECORDING"] = relative(process.cwd(), file);
    try {
      aws = await startTestAws();
    } finally {
      delete process.env["LAUNCHER_RECORDING"];
    }
    const credentials = await sessionOf(aws, "reader", {
      allow: [allow("List", "s3:ListBucket", "arn:aws:s3:::videos")],
    });
    const administrator = new S3Client({ ...sdkConfig(aws), forcePathStyle: true });
    for (const Bucket of ["videos", "others"]) await administrator.send(new CreateBucketCommand({ Bucket }));
    const reader = new S3Client({ ...sdkConfig(aws, credentials), forcePathStyle: true });
    for (const Bucket of ["videos", "videos", "others"]) {
      await reader.send(new ListObjectsV2Command({ Bucket })).catch(() => undefined);
    }
    administrator.destroy();
    reader.destroy();
  });
  after(async () => {
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  const lines = async (): Promise<Record<string, unknown>[]> => {
    const text = await readFile(file, "utf8");
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const callsOf = async (caller: object) =>
    (await lines()).flatMap(({ call }) => {
      const { action, allowed, caller: by, resource } = (call ?? {}) as Record<string, unknown>;
      return JSON.stringify(by) === JSON.stringify(caller) ? [{ action, allowed, caller: by, resource }] : [];
    });

  it("writes each decision once, with its caller, action and resource", async () => {
    const call = { caller: { principal }, action: "s3:ListBucket" };
    assert.deepEqual(await callsOf({ principal }), [
      { ...call, resource: "arn:aws:s3:::videos", allowed: true },
      { ...call, resource: "arn:aws:s3:::others", allowed: false },
    ]);
  });

  it("writes the policies in force", async () => {
    const policies = (await lines()).flatMap(({ policy }) => policy ?? []);
    assert.deepEqual(policies, [
      {
        name: "reader/own",
        statements: [{ sid: "List", effect: "Allow", actions: ["s3:ListBucket"], resources: ["arn:aws:s3:::videos"] }],
      },
    ]);
  });

  it("writes no call that a grant on a key allows", async () => {
    const roleArn = await createRole(aws, "grantee");
    const kms = new KMSClient(sdkConfig(aws));
    const { KeyMetadata: { Arn = "", KeyId } = {} } = await kms.send(new CreateKeyCommand());
    const request = { action: "kms:Decrypt", resources: [Arn], context: {}, caller: { roleArn } };
    const callers = async () =>
      (await lines()).filter((line) => JSON.stringify(line).includes("assumed-role/grantee/"));
    await kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal: roleArn, Operations: ["Decrypt"] }));
    assert.equal((await aws.launcher.decide(request, true)).allowed, true);
    assert.deepEqual(await callers(), []);
    assert.equal((await aws.launcher.decide({ ...request, action: "kms:Encrypt" }, true)).allowed, false);
    assert.equal((await callers()).length, 1);
    kms.destroy();
  });

  it("writes nothing about the administrator", async () => {
    assert.ok((await lines()).every((line) => !JSON.stringify(line).includes("s3:CreateBucket")));
  });

  it("writes the decisions about services, and none that were only explained", async () => {
    const roleArn = await createRole(aws, "publisher", { allow: [allow("Publish", "sns:Publish")] });
    const request = { action: "sns:Publish", resources: ["*"], context: { "sns:Protocol": "sqs" } };
    await aws.launcher.decide({ ...request, caller: { roleArn } }, false);
    assert.deepEqual(await callsOf({ principal: `arn:aws:sts::${testAccount}:assumed-role/publisher/session` }), []);
    await aws.launcher.decide(
      { ...request, caller: { service: "sns.amazonaws.com", sourceAccount: testAccount } },
      true,
    );
    const caller = { name: "sns.amazonaws.com", source_account: testAccount };
    assert.deepEqual(await callsOf(caller), [{ action: "sns:Publish", allowed: false, caller, resource: "*" }]);
  });
});
