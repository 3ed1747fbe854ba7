/** Tests the permissions that CloudWatch's operations need. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { guardedServices } from "../../testing/guarded-services.ts";
import type { GuardedExamples } from "../../testing/guarded-services.ts";

const alarm = (name: string) => `arn:aws:cloudwatch:us-east-1:000000000000:alarm:${name}`;
const topic = "arn:aws:sns:us-east-1:000000000000:alarms";

describe("The permissions of CloudWatch", () => {
  let services: GuardedExamples;
  let stop: () => Promise<void>;

  before(async () => {
    ({ services, stop } = await guardedServices());
  });
  after(() => stop());

  const of = async (operation: string, input: object) =>
    await services.cloudwatch.service.permissions.operations[operation]?.(input as never);
  const resourcesOf = async (operation: string, input: object) =>
    (await of(operation, input))?.map(({ resource }) => resource);

  it("depend on the actions of an alarm in any state", async () => {
    const input = { AlarmName: "new", AlarmActions: [topic], OKActions: [`${topic}-ok`, topic] };
    assert.deepEqual(await of("PutMetricAlarm", input), [
      {
        action: "cloudwatch:PutMetricAlarm",
        resource: alarm("new"),
        context: { "cloudwatch:AlarmActions": [`${topic}-ok`, topic] },
      },
    ]);
  });

  it("include TagResource for an alarm that is created with tags", async () => {
    const context = { "aws:RequestTag/team": "video", "aws:TagKeys": ["team"] };
    const input = { AlarmName: "new", Tags: [{ Key: "team", Value: "video" }] };
    assert.deepEqual(await of("PutMetricAlarm", input), [
      { action: "cloudwatch:PutMetricAlarm", resource: alarm("new"), context },
      { action: "cloudwatch:TagResource", resource: alarm("new"), context },
    ]);
  });

  it("concern each alarm that is named, with its tags", async () => {
    assert.deepEqual(await of("DeleteAlarms", { AlarmNames: ["alarm", "new"] }), [
      { action: "cloudwatch:DeleteAlarms", resource: alarm("alarm"), context: { "aws:ResourceTag/stack": "dev" } },
      { action: "cloudwatch:DeleteAlarms", resource: alarm("new"), context: {} },
    ]);
  });

  it("concern an alarm with an empty name if none is named", async () => {
    assert.deepEqual(await resourcesOf("DeleteAlarms", {}), [alarm("")]);
  });

  it("concern all alarms if a list names none", async () => {
    assert.deepEqual(await resourcesOf("DescribeAlarms", { AlarmNamePrefix: "a" }), [alarm("*")]);
    assert.deepEqual(await resourcesOf("DescribeAlarms", { AlarmNames: ["alarm"] }), [alarm("alarm")]);
  });

  it("depend on the namespace of metrics that are published", async () => {
    const [permission] = (await of("PutMetricData", { Namespace: "Video", MetricData: [] })) ?? [];
    assert.deepEqual(permission, {
      action: "cloudwatch:PutMetricData",
      resource: "*",
      context: { "cloudwatch:namespace": "Video" },
    });
  });

  it("concern a dashboard, whose ARN has no region", async () => {
    const resource = "arn:aws:cloudwatch::000000000000:dashboard/dashboard";
    assert.deepEqual(await resourcesOf("GetDashboard", { DashboardName: "dashboard" }), [resource]);
  });
});
