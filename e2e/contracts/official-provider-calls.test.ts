/** Tests that the gateway answers each call of the official provider for the program's resources. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { ApplicationAutoScaling } from "@aws-sdk/client-application-auto-scaling";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { S3 } from "@aws-sdk/client-s3";
import { SageMaker } from "@aws-sdk/client-sagemaker";
import { SNS } from "@aws-sdk/client-sns";
import { SQS } from "@aws-sdk/client-sqs";
import { STS } from "@aws-sdk/client-sts";
import { createEmulator } from "../../emulator/emulator.ts";
import type { Emulator } from "../../emulator/emulator.ts";
import { sdkConfig, signed } from "../../emulator/testing/test-gateway.ts";
import { registrationsOf } from "../../infra/testing/registrations.ts";
import { stackConfig } from "../../infra/testing/stacks.ts";
import { ministackPython, servingPython } from "../../tools/paths.mjs";
import { officialCalls } from "./official-provider-calls.ts";
import type { ServiceName } from "./official-provider-calls.ts";

type Call = (input: object) => Promise<object>;

/** Codes and words by which the gateway and MiniStack say that they do not know an operation. */
const unknown = /^(InvalidAction|UnknownOperationException|NotImplementedException|NotImplemented|MethodNotAllowed)$/;

/** Inputs with which each operation finds its resource: a bucket, or nothing. */
const inputs: Readonly<Partial<Record<ServiceName, object>>> = {
  S3: {
    Bucket: "videos",
    Key: "clip.mp4",
    UploadId: "none",
    PartNumber: 1,
    Delete: { Objects: [{ Key: "clip.mp4" }] },
  },
};

describe("the official provider's calls", function () {
  this.timeout(60_000);
  let folder: string;
  let aws: Emulator;
  let clients: Readonly<Record<Exclude<ServiceName, "S3Control">, object>>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "calls-"));
    aws = await createEmulator({ port: 0, stateDir: folder, ministackPython, servingPython });
    const config = sdkConfig(aws, aws.credentials);
    clients = {
      ApplicationAutoScaling: new ApplicationAutoScaling(config),
      CloudWatch: new CloudWatch(config),
      CloudWatchLogs: new CloudWatchLogs(config),
      IAM: new IAM(config),
      KMS: new KMS(config),
      S3: new S3({ ...config, forcePathStyle: true }),
      SageMaker: new SageMaker(config),
      SNS: new SNS(config),
      SQS: new SQS(config),
      STS: new STS(config),
    };
  });
  after(async () => {
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  /** Calls an operation; returns its error's code and status, if it fails. */
  async function codeOf(service: Exclude<ServiceName, "S3Control">, operation: string): Promise<string | undefined> {
    const method = operation.charAt(0).toLowerCase() + operation.slice(1);
    const call: unknown = Reflect.get(clients[service], method);
    assert.ok(typeof call === "function", `${service} has no operation ${operation}`);
    try {
      await (call.bind(clients[service]) as Call)(inputs[service] ?? {});
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.name : String(error);
    }
  }

  const operations = new Map<Exclude<ServiceName, "S3Control">, Set<string>>();
  for (const { service, create, read, update, delete: remove } of officialCalls) {
    if (service === "S3Control") continue;
    const known = operations.get(service) ?? new Set();
    operations.set(service, known);
    for (const operation of [...create, ...read, ...update, ...remove]) known.add(operation);
  }

  for (const [service, names] of operations) {
    it(`of ${service} are implemented: ${[...names].sort().join(", ")}`, async () => {
      if (service === "S3") await codeOf("S3", "CreateBucket");
      const refused: string[] = [];
      for (const operation of [...names].filter((name) => name !== "DeleteBucket")) {
        const code = await codeOf(service, operation);
        if (code !== undefined && unknown.test(code)) refused.push(`${operation}: ${code}`);
      }
      assert.deepEqual(refused, []);
    });
  }

  it("would be found missing: an operation that the emulator does not implement", async () => {
    assert.match((await codeOf("SageMaker", "ListInferenceComponents")) ?? "", unknown);
    assert.match((await codeOf("IAM", "GetMFADevice")) ?? "", unknown);
  });

  it("of S3 Control tag a bucket and list its tags", async () => {
    const s3 = new S3({ ...sdkConfig(aws, aws.credentials), forcePathStyle: true });
    await s3.createBucket({ Bucket: "tagged" });
    const url = `${aws.url}/v20180820/tags/${encodeURIComponent("arn:aws:s3:::tagged")}`;
    const send = async (method: string, query = "", body?: string) => {
      const request = {
        service: "s3",
        method,
        credentials: aws.credentials,
        headers: { "x-amz-account-id": aws.accountId },
      };
      const { headers, ...rest } = await signed(`${url}${query}`, {
        ...request,
        ...(body === undefined ? {} : { body }),
      });
      const answer = await fetch(`${url}${query}`, { headers, ...rest });
      assert.ok(answer.ok, `${method}: ${answer.status} ${await answer.clone().text()}`);
      return await answer.text();
    };
    const tag = "<Tag><Key>stack</Key><Value>local</Value></Tag>";
    await send(
      "POST",
      "",
      `<TagResourceRequest xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><Tags>${tag}</Tags></TagResourceRequest>`,
    );
    assert.ok((await send("GET")).includes(`<Tags>${tag}</Tags>`));
    assert.deepEqual((await s3.getBucketTagging({ Bucket: "tagged" })).TagSet, [{ Key: "stack", Value: "local" }]);
    await send("DELETE", "?tagKeys=stack");
    assert.ok((await send("GET")).includes("<Tags></Tags>"));
    s3.destroy();
  });

  it("keep the tags of a new bucket", async () => {
    const s3 = new S3({ ...sdkConfig(aws, aws.credentials), forcePathStyle: true });
    const Tags = [{ Key: "stack", Value: "local" }];
    await s3.createBucket({ Bucket: "tagged-at-creation", CreateBucketConfiguration: { Tags } });
    assert.deepEqual((await s3.getBucketTagging({ Bucket: "tagged-at-creation" })).TagSet, Tags);
    s3.destroy();
  });

  it("are listed for each type of the program", async () => {
    const { registrations } = await registrationsOf(() => import("../../infra/index.ts"), {
      stack: "dev",
      config: stackConfig("dev", join(import.meta.dirname, "official-provider-calls.ts")),
    });
    const types = new Set(registrations.all.map(({ type }) => type).filter((type) => type.startsWith("aws:")));
    const listed = new Set(officialCalls.map(({ type }) => `aws:${type}`));
    assert.deepEqual(
      [...types].filter((type) => !listed.has(type)),
      [],
    );
  });
});
