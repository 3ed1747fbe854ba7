/** What the doctor says of what earlier deployments left. */
import assert from "node:assert/strict";
import { endpointNameOf, logGroupOf } from "../../infra/endpoint-name.ts";
import { checkRemains } from "./remains.ts";
import { accountId, type FakeAws, Refusal, startFakeAws } from "./testing/fake-aws.ts";
import { stackFile } from "./testing/stack.ts";

describe("what an earlier deployment left", () => {
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

  it("is nothing: the endpoint can be created, or is there", async () => {
    assert.deepEqual(await finding(), {
      check: "endpoint",
      status: "ok",
      what: `${endpoint} will be created; nothing of that name is left`,
    });
    aws.answers.set("DescribeEndpoint", { EndpointStatus: "InService" });
    aws.answers.set("DescribeLogGroups", { logGroups: [{ logGroupName: logGroupOf(endpoint) }] });
    assert.deepEqual(await finding(), { check: "endpoint", status: "ok", what: `${endpoint} is there (InService)` });
  });

  it("is an endpoint that is being deleted", async () => {
    aws.answers.set("DescribeEndpoint", { EndpointStatus: "Deleting" });
    const { status, what, remedy } = await finding();
    assert.deepEqual([status, what], ["warning", `${endpoint} is still being deleted`]);
    assert.match(remedy ?? "", /pipeline -- up/);
  });

  it("is a log group without an endpoint, which is named", async () => {
    aws.answers.set("DescribeLogGroups", { logGroups: [{ logGroupName: logGroupOf(endpoint) }] });
    const { status, what, remedy } = await finding();
    assert.equal(status, "warning");
    assert.ok(what.includes(logGroupOf(endpoint)), what);
    assert.match(remedy ?? "", /pipeline -- up --stack dev.*aws logs delete-log-group --log-group-name/);
  });

  it("could not be checked where that is denied, or where the provider works with a role", async () => {
    aws.answers.set("DescribeEndpoint", new Refusal(400, "AccessDeniedException"));
    const denied = await finding();
    assert.equal(denied.status, "warning");
    assert.match(denied.what, /^could not be checked: AccessDeniedException/);
    assert.equal((await checkRemains(stackFile({ assumesRole: true }), settings, aws.access)).status, "warning");
  });
});
