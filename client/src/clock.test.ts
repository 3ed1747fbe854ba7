import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect } from "./stack.ts";
import type { Stack } from "./stack.ts";
import { startFakeAws } from "../testing/fake-aws.ts";
import type { FakeAws } from "../testing/fake-aws.ts";

describe("the service's clock", () => {
  let aws: FakeAws;
  let stack: Stack;

  beforeEach(async () => {
    aws = await startFakeAws();
    aws.now = new Date("2031-05-06T07:08:09Z");
    stack = connect(aws.outputs);
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  it("shows the service's time, not this machine's", async () => {
    assert.deepEqual(await stack.clock.now(), aws.now);
  });

  it("is read once for many callers that accept an older answer, and again for others", async () => {
    await stack.clock.now();
    await stack.clock.now(60);
    await stack.clock.now(60);
    assert.equal(aws.count("DescribeEndpoint"), 1);
    aws.now = new Date("2031-05-06T08:00:00Z");
    assert.deepEqual(await stack.clock.now(), aws.now);
  });

  it("does not go back if one server is behind another", async () => {
    const first = await stack.clock.now();
    aws.now = new Date(first.getTime() - 2000);
    assert.deepEqual(await stack.clock.now(), first);
  });

  it("throws the error that kept the service from answering", async () => {
    aws.fail({ operation: "DescribeEndpoint", times: 10, answer: "lose the answer" });
    await assert.rejects(stack.clock.now(), { code: "ECONNRESET" });
  }).timeout(60_000);
});
