import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect, openStack } from "./stack.ts";
import type { StackOutputs } from "./outputs.ts";

const outputs: StackOutputs = {
  endpointName: "video",
  variantName: "main",
  region: "eu-west-1",
  inputBucket: "in",
  inputPrefix: "",
  sourceLocations: [],
  requests: "reference",
  outputLocation: "s3://out/",
  failureLocation: "s3://out/",
  successTopicArn: "arn:aws:sns:eu-west-1:123456789012:success",
  errorTopicArn: "arn:aws:sns:eu-west-1:123456789012:error",
  successQueueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/success",
  errorQueueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/error",
  maxConcurrency: 2,
  instanceType: "ml.g4dn.xlarge",
  maxCapacity: 5,
};

describe("connecting to a stack", () => {
  const before = process.env["AWS_ACCESS_KEY_ID"];

  beforeEach(() => {
    delete process.env["AWS_ACCESS_KEY_ID"];
  });

  afterEach(() => {
    if (before === undefined) delete process.env["AWS_ACCESS_KEY_ID"];
    else process.env["AWS_ACCESS_KEY_ID"] = before;
  });

  it("leaves credentials and addresses on AWS to the SDK", () => {
    using stack = connect(outputs);
    assert.deepEqual(stack.clientConfig, {
      region: "eu-west-1",
      maxAttempts: 6,
      // The SDK sets no limit for an answer.
      requestHandler: {
        connectionTimeout: 5_000,
        requestTimeout: 30_000,
        throwOnRequestTimeout: true,
        httpsAgent: { proxyEnv: process.env },
      },
    });
    assert.equal(stack.s3.config.forcePathStyle, false);
  });

  const emulator = { accessKeyId: "emulator", secretAccessKey: "secret" };

  for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
    it(`uses the emulator's credentials for an AWS on this machine, at ${host}, and ignores those of the environment`, () => {
      process.env["AWS_ACCESS_KEY_ID"] = "mine";
      using stack = connect({ ...outputs, awsEndpointUrl: `http://${host}:4566` }, emulator);
      assert.deepEqual(stack.clientConfig.credentials, emulator);
      assert.equal(stack.s3.config.forcePathStyle, true);
    });
  }

  for (const host of ["10.0.0.1", "127.0.0.1.example.com"]) {
    it(`keeps the emulator's credentials from another machine, ${host}`, () => {
      using stack = connect({ ...outputs, awsEndpointUrl: `http://${host}:4566` }, emulator);
      assert.equal(stack.clientConfig.credentials, undefined);
    });
  }

  it("keeps the emulator's credentials from AWS", () => {
    using stack = connect(outputs, emulator);
    assert.equal(stack.clientConfig.credentials, undefined);
  });

  it("finds the emulator's credentials next to the outputs of its stack", async () => {
    const folder = await mkdtemp(join(tmpdir(), "stack-"));
    const file = join(folder, "outputs.json");
    await writeFile(file, JSON.stringify({ ...outputs, awsEndpointUrl: "http://127.0.0.1:4566" }));
    await writeFile(join(folder, "credentials"), "[default]\naws_access_key_id = id\naws_secret_access_key = secret\n");
    using stack = await openStack({ outputs: file });
    const { accessKeyId, secretAccessKey } = await stack.s3.config.credentials();
    assert.deepEqual([accessKeyId, secretAccessKey], ["id", "secret"]);
    await rm(folder, { recursive: true });
  });
});
