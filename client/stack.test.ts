import assert from "node:assert/strict";
import { connect } from "./stack.ts";
import type { StackOutputs } from "./outputs.ts";

const outputs: StackOutputs = {
  endpointName: "video",
  variantName: "main",
  region: "eu-west-1",
  inputBucket: "in",
  inputPrefix: "",
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
    assert.deepEqual(stack.clientConfig, { region: "eu-west-1", maxAttempts: 6 });
    assert.equal(stack.s3.config.forcePathStyle, false);
  });

  for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
    it(`needs no credentials for an AWS on this machine, at ${host}`, () => {
      using stack = connect({ ...outputs, awsEndpointUrl: `http://${host}:4566` });
      assert.deepEqual(stack.clientConfig.credentials, { accessKeyId: "local", secretAccessKey: "local" });
      assert.equal(stack.s3.config.forcePathStyle, true);
    });
  }

  it("takes the environment's credentials even for an AWS on this machine, if there are any", () => {
    process.env["AWS_ACCESS_KEY_ID"] = "mine";
    using stack = connect({ ...outputs, awsEndpointUrl: "http://127.0.0.1:4566" });
    assert.equal(stack.clientConfig.credentials, undefined);
  });

  for (const host of ["10.0.0.1", "127.0.0.1.example.com"]) {
    it(`makes no credentials up for another machine, ${host}`, () => {
      using stack = connect({ ...outputs, awsEndpointUrl: `http://${host}:4566` });
      assert.equal(stack.clientConfig.credentials, undefined);
    });
  }
});
