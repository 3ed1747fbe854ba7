import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect } from "../client/src/index.ts";
import type { Stack } from "../client/src/index.ts";
import { startFakeAws } from "../client/testing/fake-aws.ts";
import type { FakeAws } from "../client/testing/fake-aws.ts";
import { tooLong } from "./diagnosis.ts";

describe("the diagnosis of a wait beyond its limit", () => {
  let aws: FakeAws;
  let stack: Stack;

  beforeEach(async () => {
    aws = await startFakeAws();
    stack = connect(aws.outputs);
    aws.answers.set("DescribeAlarms", {
      MetricAlarms: [
        {
          AlarmName: "idle",
          StateValue: "ALARM",
          StateReason: "Threshold Crossed",
          AlarmActions: [
            "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:resource/sagemaker/x:policyName/y",
          ],
          Dimensions: [{ Name: "EndpointName", Value: "video" }],
        },
        {
          AlarmName: "backlog-without-capacity",
          StateValue: "INSUFFICIENT_DATA",
          StateReason: "Unchecked: Initial alarm creation",
          Dimensions: [{ Name: "EndpointName", Value: "video" }],
        },
        { AlarmName: "another", StateValue: "OK", Dimensions: [{ Name: "EndpointName", Value: "other" }] },
      ],
    });
    aws.answers.set("DescribeScalingActivities", {
      ScalingActivities: [
        {
          ActivityId: "1",
          StartTime: 1893456000,
          StatusCode: "Failed",
          Description: "Setting desired instance count to 1.",
          StatusMessage: "Failed to set desired instance count to 1. Reason: no quota.",
        },
      ],
    });
    aws.answers.set("DescribeLogStreams", { logStreams: [] });
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  it("shows the endpoint, its alarms, those of the scaling apart, the scaling activities and the log", async () => {
    const { message } = await tooLong(stack, "The end of job smoke-1", 1800);
    assert.deepEqual(message.split(/\n */), [
      "The end of job smoke-1 did not come within 30 minutes. What it depends on:",
      "endpoint: InService, 0 instances, 0 wanted",
      "alarm backlog-without-capacity: INSUFFICIENT_DATA, Unchecked: Initial alarm creation",
      "scaling alarm (ALARM is a normal state) idle: ALARM, Threshold Crossed",
      "scaling activity 2030-01-01T00:00:00.000Z: Failed, Failed to set desired instance count to 1. Reason: no quota.",
      "log: /aws/sagemaker/Endpoints/video is empty",
    ]);
  });

  it("shows foreign text as escapes, on one line each", async () => {
    aws.answers.set("DescribeScalingActivities", {
      ScalingActivities: [{ StatusCode: "Failed", StatusMessage: "no quota\n::error::x\u001b[2J" }],
    });
    const { message } = await tooLong(stack, "Zero instances", 60);
    assert.match(message, /^ +scaling activity \?: Failed, no quota\\n::error::x\\x1b\[2J$/m);
  });

  it("reports that nothing can scale the endpoint", async () => {
    aws.answers.set("DescribeAlarms", { MetricAlarms: [] });
    aws.answers.set("DescribeScalingActivities", { ScalingActivities: [] });
    const { message } = await tooLong(stack, "Zero instances", 60);
    assert.match(message, /alarms: none on this endpoint's metrics/);
    assert.match(message, /scaling activities: none/);
  });

  it("shows the rest if one part may not be read", async () => {
    aws.fail({ operation: "DescribeAlarms", answer: { status: 400, code: "AccessDeniedException", message: "no" } });
    const { message } = await tooLong(stack, "Zero instances", 60);
    assert.match(message, /not readable: AccessDeniedException: no/);
    assert.match(message, /scaling activity 2030/);
  });
});
