/** Tests the logs of containers with MiniStack's CloudWatch Logs. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import {
  CloudWatchLogsClient,
  DeleteLogGroupCommand,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { containerLogs } from "./container-logs.ts";
import { sdkConfig } from "./testing/test-gateway.ts";
import { startTestAws } from "./testing/test-aws.ts";
import type { TestAws } from "./testing/test-aws.ts";

const logGroupName = "/aws/sagemaker/Endpoints/video";

describe("the logs of containers", () => {
  let aws: TestAws;
  let client: CloudWatchLogsClient;

  before(async () => {
    aws = await startTestAws();
    client = new CloudWatchLogsClient(sdkConfig(aws));
  });

  after(async () => {
    client.destroy();
    await aws.stop();
  });

  const groups = async () =>
    (await client.send(new DescribeLogGroupsCommand({}))).logGroups?.map((group) => group.logGroupName) ?? [];

  const messages = async () =>
    (await client.send(new FilterLogEventsCommand({ logGroupName }))).events?.map(
      ({ logStreamName, message }) => `${logStreamName ?? ""}: ${message ?? ""}`,
    );

  it("are in a group of the endpoint, which is created once, with a stream for each instance", async () => {
    const logs = containerLogs(client);
    await logs.createGroup("video");
    await logs.createGroup("video");
    assert.deepEqual(await groups(), [logGroupName]);
    await logs.write("video", "AllTraffic/i-1", [{ timestamp: Date.now(), message: "one" }]);
    await logs.write("video", "AllTraffic/i-1", [{ timestamp: Date.now(), message: "two" }]);
    await logs.write("video", "AllTraffic/i-2", [{ timestamp: Date.now(), message: "three" }]);
    assert.deepEqual((await messages())?.sort(), [
      "AllTraffic/i-1: one",
      "AllTraffic/i-1: two",
      "AllTraffic/i-2: three",
    ]);
  });

  it("recreate a group that was deleted meanwhile", async () => {
    await client.send(new DeleteLogGroupCommand({ logGroupName }));
    assert.deepEqual(await groups(), []);
    await containerLogs(client).write("video", "AllTraffic/i-1", [{ timestamp: Date.now(), message: "late" }]);
    assert.deepEqual(await messages(), ["AllTraffic/i-1: late"]);
  });
});
