/** Tests the permissions of callers and operators, and the trust policy of the role for another account. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { AccessPolicies } from "./access-policies.ts";
import { AsyncEndpoint } from "./async-endpoint.ts";
import { InferenceNotifications } from "./inference-notifications.ts";
import { allows, statement, statements } from "../testing/documents.ts";
import { accountId, keyArn, mockAccount, region, registrationsOf } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";
import { VideoStorage } from "./video-storage.ts";

async function access(callerAccountId?: string): Promise<{ registrations: Registrations; roleArn: unknown }> {
  const { registrations, outputs } = await registrationsOf(() => {
    const account = mockAccount();
    const { inputBucket, outputBucket } = new VideoStorage("clips", { keyArn });
    const notifications = new InferenceNotifications("clips", { account, keyArn });
    const { successTopicArn, errorTopicArn, queueArns, deadLetterQueueArns } = notifications;
    const { endpointArn, endpointName } = new AsyncEndpoint("detector", {
      account,
      keyArn,
      inputBucket,
      outputBucket,
      successTopicArn,
      errorTopicArn,
      modelUrl: "s3://clips-input-0a1b2c3/models/f00d/model.tar.gz",
    });
    const { callerRoleArn } = new AccessPolicies("clips", {
      account,
      keyArn,
      inputBucket,
      outputBucket,
      endpointArn,
      endpointName,
      topicArns: [successTopicArn, errorTopicArn, `arn:aws:sns:${region}:${accountId}:operations`],
      queueArns,
      deadLetterQueueArns,
      callerAccountId,
    });
    return callerRoleArn === undefined ? {} : { callerRoleArn };
  });
  return { registrations, roleArn: outputs["callerRoleArn"] };
}

/** Actions that support no resource (AWS, Service Authorization Reference). */
const withoutResource = [
  "application-autoscaling:DescribeScalableTargets",
  "application-autoscaling:DescribeScalingActivities",
  "application-autoscaling:DescribeScalingPolicies",
  "cloudwatch:DescribeAlarms",
  "cloudwatch:GetMetricData",
  "cloudwatch:GetMetricStatistics",
  "cloudwatch:ListDashboards",
  "cloudwatch:ListMetrics",
  "sns:Unsubscribe",
  "sqs:ListQueues",
];

describe("AccessPolicies", () => {
  let registrations: Registrations;
  let caller: unknown;
  let operator: unknown;

  before(async () => {
    ({ registrations } = await access());
    caller = registrations.one("aws:iam/policy:Policy", "clips-caller").inputs["policy"];
    operator = registrations.one("aws:iam/policy:Policy", "clips-operator").inputs["policy"];
  });

  it("allows no action by a wildcard, and names resources for every action that supports them", () => {
    for (const { Action, Resource, Sid, Effect } of [...statements(caller), ...statements(operator)]) {
      assert.equal(Effect, "Allow");
      for (const action of Action) {
        assert.ok(!action.includes("*"), action);
        assert.equal(Resource?.includes("*"), withoutResource.includes(action), `${Sid ?? ""} ${action}`);
      }
    }
  });

  it("allows callers to upload, invoke and fetch", () => {
    assert.deepEqual(statement(caller, "Invoke").Resource, [
      `arn:aws:sagemaker:${region}:${accountId}:detector-endpoint-0a1b2c3`,
    ]);
    assert.deepEqual(statement(caller, "UploadVideos").Resource, ["arn:aws:s3:::clips-input-0a1b2c3/input/*"]);
    assert.deepEqual(statement(caller, "FetchResults").Resource, [
      "arn:aws:s3:::clips-output-0a1b2c3/results/*",
      "arn:aws:s3:::clips-output-0a1b2c3/failures/*",
    ]);
    assert.deepEqual(statement(caller, "UseKey").Resource, [keyArn]);
  });

  it("allows callers to read job records, and to write one only if it is new or was read before", () => {
    const call = { action: "s3:PutObject", resource: "arn:aws:s3:::clips-output-0a1b2c3/jobs/video-1.json" };
    assert.ok(allows(statements(caller), { ...call, action: "s3:GetObject" }));
    assert.ok(allows(statements(caller), { ...call, context: { "s3:if-none-match": "*" } }));
    assert.ok(allows(statements(caller), { ...call, context: { "s3:if-match": '"etag"' } }));
    assert.ok(!allows(statements(caller), call));
    assert.ok(!allows(statements(caller), { ...call, action: "s3:DeleteObject" }));
  });

  it("allows callers to tell a result that does not exist yet from one that is forbidden", () => {
    const { Action, Resource, Condition } = statement(caller, "TellMissingFromForbidden");
    assert.deepEqual(
      [Action, Resource, Condition],
      [["s3:ListBucket"], ["arn:aws:s3:::clips-input-0a1b2c3", "arn:aws:s3:::clips-output-0a1b2c3"], undefined],
    );
  });

  it("refuses callers to change models, to delete, and to read queues", () => {
    const actions = statements(caller).flatMap(({ Action }) => Action);
    assert.deepEqual(
      actions.filter((action) => /Delete|sqs:|sns:|iam:/.test(action)),
      [],
    );
    assert.deepEqual(
      statements(caller).filter(({ Resource }) => Resource?.some((arn) => arn.includes("/models/"))),
      [],
    );
  });

  it("allows operators to read the stack's four queues, and to create only temporary ones", () => {
    assert.equal(statement(operator, "ReadQueues").Resource?.length, 4);
    for (const { Action, Resource, Sid } of statements(operator)) {
      if (!Action.includes("sqs:CreateQueue")) continue;
      assert.deepEqual(Resource, [`arn:aws:sqs:${region}:${accountId}:clips-smoke-*`], Sid);
    }
  });

  it("allows operators to subscribe temporary queues of the account, and no other address", () => {
    const topic = `arn:aws:sns:${region}:${accountId}:operations`;
    const subscribes = (protocol: string, endpoint: string, resource = topic) =>
      allows(statements(operator), {
        action: "sns:Subscribe",
        resource,
        context: { "sns:Protocol": protocol, "sns:Endpoint": endpoint },
      });
    const queue = `arn:aws:sqs:${region}:${accountId}:clips-smoke-1`;
    assert.ok(subscribes("sqs", queue));
    assert.ok(!subscribes("sqs", queue, `arn:aws:sns:${region}:${accountId}:foreign`));
    for (const [protocol, endpoint] of [
      ["sqs", `arn:aws:sqs:${region}:210987654321:clips-smoke-1`],
      ["sqs", `arn:aws:sqs:${region}:${accountId}:clips-success`],
      ["http", "http://attacker.example/clips-smoke-1"],
      ["https", queue],
      ["email", "attacker@example.com"],
      ["lambda", `arn:aws:lambda:${region}:${accountId}:function:clips-smoke-1`],
    ] as const) {
      assert.ok(!subscribes(protocol, endpoint), `${protocol} ${endpoint}`);
    }
    assert.ok(!allows(statements(operator), { action: "sns:Subscribe", resource: topic }));
  });

  it("allows operators to redrive dead letters to their source queues, and to return a message that they give up", () => {
    const queues = (suffix: string) =>
      ["success", "error"].map((kind) => `arn:aws:sqs:${region}:${accountId}:clips-${kind}${suffix}-0a1b2c3`);
    assert.deepEqual(statement(operator, "RedriveDeadLetters").Resource, queues("-dead-letters"));
    assert.deepEqual(statement(operator, "RefillQueues").Resource, [...queues(""), ...queues("-dead-letters")]);
  });

  it("allows operators to open the dashboard that the stack's output names", () => {
    const dashboard = (name: string) => `arn:aws:cloudwatch::${accountId}:dashboard/${name}`;
    const opens = (resource: string) => allows(statements(operator), { action: "cloudwatch:GetDashboard", resource });
    const { name: endpointName } = registrations.one("aws:sagemaker/endpoint:Endpoint").inputs;
    assert.ok(opens(dashboard(String(endpointName))));
    assert.ok(!opens(dashboard("other")));
    assert.ok(allows(statements(operator), { action: "cloudwatch:ListDashboards", resource: "*" }));
  });

  it("allows operators to read only this endpoint's logs", () => {
    const { name } = registrations.one("aws:cloudwatch/logGroup:LogGroup").inputs;
    const group = `arn:aws:logs:${region}:${accountId}:log-group:${String(name)}`;
    assert.deepEqual(statement(operator, "ReadLogs").Resource, [`${group}:*`]);
  });

  it("creates a role for another account only if one is set", async () => {
    assert.equal(registrations.ofType("aws:iam/rolePolicyAttachment:RolePolicyAttachment").length, 0);
    const other = await access("210987654321");
    assert.equal(other.roleArn, `arn:aws:iam:${region}:${accountId}:clips-caller-0a1b2c3`);
    const { assumeRolePolicy } = other.registrations.one("aws:iam/role:Role", "clips-caller").inputs;
    assert.deepEqual(statements(assumeRolePolicy), [
      {
        Effect: "Allow",
        Principal: { AWS: "arn:aws:iam::210987654321:root" },
        Action: ["sts:AssumeRole"],
      },
    ]);
    assert.deepEqual(other.registrations.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment").inputs, {
      role: "clips-caller-0a1b2c3",
      policyArn: `arn:aws:iam:${region}:${accountId}:clips-caller-0a1b2c3`,
    });
  });
});
