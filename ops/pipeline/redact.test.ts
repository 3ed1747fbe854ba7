/** Tests the redaction of output that everyone who may read the repository can see. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { redacted } from "./redact.ts";

const account = "123456789012";

describe("output that GitHub shows to everyone", () => {
  for (const [what, text] of [
    ["a role's ARN", `arn:aws:iam::${account}:role/video-prod-execution-1a2b3c4`],
    ["a topic's ARN", `arn:aws-cn:sns:cn-north-1:${account}:video-dev-success`],
    ["a registry", `${account}.dkr.ecr.us-east-1.amazonaws.com/team/serving:1`],
    ["a queue's address", `https://sqs.us-east-1.amazonaws.com/${account}/video-dev-success`],
    ["a bucket's name", `sagemaker-us-east-1-${account}`],
    ["only the account", account],
  ] as const) {
    it(`has no account number in ${what}, but the rest of it`, () => {
      assert.equal(redacted(text), text.replace(account, "<account>"));
    });
  }

  it("has no access key IDs", () => {
    assert.equal(redacted("key AKIAIOSFODNN7EXAMPLE, ASIAIOSFODNN7EXAMPLE."), "key <access key>, <access key>.");
  });

  it("keeps hashes, times and names", () => {
    const text = `sha256:${"0".repeat(40)}, 1760000000000, pr-1234567890, video-dev-input-1a2b3c4, key/1a2b3c4d-0000`;
    assert.equal(redacted(text), text);
  });
});
