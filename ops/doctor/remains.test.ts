/** Tests the doctor's check for remains of earlier deployments. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { endpointNameOf, logGroupOf } from "../../infra/endpoint-name.ts";
import { checkRemains } from "./remains.ts";
import { accountId, Refusal, startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";
import { stackFile } from "./testing/stack.ts";

describe("the remains of an earlier deployment", () => {
  const settings = { rollbackAlarms: ["errors"] };
  const endpoint = endpointNameOf({
    accountId,
    region: "us-east-1",
    project: "async-video-inference",
    stack: "dev",
    ...settings,
  });
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await startFakeAws();
  });

  afterEach(() => aws[Symbol.asyncDispose]());

  const finding = () => checkRemains(stackFile(), settings, aws.access);

  it("are none if the endpoint can be created, or exists", async () => {
    assert.deepEqual(await finding(), {
      check: "endpoint",
      status: "ok",
      what: `${endpoint} will be created; nothing of that name is left`,
    });
    aws.answers.set("DescribeEndpoint", { EndpointStatus: "InService" });
    aws.answers.set("DescribeLogGroups", { logGroups: [{ logGroupName: logGroupOf(endpoint) }] });
    assert.deepEqual(await finding(), { check: "endpoint", status: "ok", what: `${endpoint} exists (InService)` });
  });

  it("can be an endpoint that is being deleted", async () => {
    aws.answers.set("DescribeEndpoint", { EndpointStatus: "Deleting" });
    const { status, what, remedy } = await finding();
    assert.deepEqual([status, what], ["warning", `${endpoint} is still being deleted`]);
    assert.match(remedy ?? "", /pipeline -- up/);
  });

  it("can be a log group without an endpoint, which is named", async () => {
    aws.answers.set("DescribeLogGroups", { logGroups: [{ logGroupName: logGroupOf(endpoint) }] });
    const { status, what, remedy } = await finding();
    assert.equal(status, "warning");
    assert.ok(what.includes(logGroupOf(endpoint)), what);
    assert.match(remedy ?? "", /pipeline -- up --stack dev.*aws logs delete-log-group --log-group-name/);
  });

  it("are unchecked if access is denied, or if the provider assumes a role", async () => {
    aws.answers.set("DescribeEndpoint", new Refusal(400, "AccessDeniedException"));
    const denied = await finding();
    assert.equal(denied.status, "warning");
    assert.match(denied.what, /^could not be checked: AccessDeniedException/);
    assert.equal((await checkRemains(stackFile({ assumesRole: true }), settings, aws.access)).status, "warning");
  });
});
