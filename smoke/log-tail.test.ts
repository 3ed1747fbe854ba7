import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect } from "../client/src/index.ts";
import type { Stack } from "../client/src/index.ts";
import { startFakeAws } from "../client/testing/fake-aws.ts";
import type { FakeAws } from "../client/testing/fake-aws.ts";
import { logTail } from "./log-tail.ts";

describe("the end of an endpoint's log", () => {
  let aws: FakeAws;
  let stack: Stack;

  beforeEach(async () => {
    aws = await startFakeAws();
    stack = connect(aws.outputs);
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  it("is that of CloudWatch's newest log stream", async () => {
    aws.answers.set("DescribeLogStreams", { logStreams: [{ logStreamName: "main/i-1" }] });
    aws.answers.set("GetLogEvents", {
      events: [{ message: "Worker died.\n ::add-mask::x ##[error]\u001b[2K\n" }, { message: "Out of memory" }],
    });
    assert.deepEqual(await logTail(stack), [
      "log: the end of /aws/sagemaker/Endpoints/video:",
      "  | Worker died.",
      String.raw`  |  \x3a:add-mask::x #\x23[error]\x1b[2K`,
      "  | Out of memory",
    ]);
    const asked = aws.requests.find(({ operation }) => operation === "GetLogEvents");
    const { logStreamName } = JSON.parse(String(asked?.body)) as { logStreamName: string };
    assert.equal(logStreamName, "main/i-1");
  });

  it("has the last 15 lines", async () => {
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`);
    aws.answers.set("DescribeLogStreams", { logStreams: [{ logStreamName: "main/i-1" }] });
    aws.answers.set("GetLogEvents", { events: [{ message: lines.join("\n") }] });
    const [, ...shown] = await logTail(stack);
    assert.deepEqual(
      shown,
      lines.slice(5).map((line) => `  | ${line}`),
    );
  });

  it("is reported as empty if no instance has started", async () => {
    aws.answers.set("DescribeLogStreams", { logStreams: [] });
    assert.deepEqual(await logTail(stack), ["log: /aws/sagemaker/Endpoints/video is empty"]);
  });

  it("is reported as unreadable if the log group may not be read", async () => {
    const answer = { status: 400, code: "AccessDeniedException", message: "no" };
    aws.fail({ operation: "DescribeLogStreams", answer });
    const [line, ...more] = await logTail(stack);
    assert.match(line ?? "", /^log: \/aws\/.* cannot be read: AccessDeniedException: no/);
    assert.deepEqual(more, []);
  });
});
