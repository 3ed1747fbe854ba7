/** Tests that `pipeline up` and `pipeline destroy` handle the remains of earlier deployments. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { accountId, Refusal, startFakeAws } from "../doctor/testing/fake-aws.ts";
import type { FakeAws } from "../doctor/testing/fake-aws.ts";
import { endpointNameOf, logGroupOf } from "../../infra/endpoint-name.ts";
import { clearRemains, Remains } from "./remains.ts";
import type { Job } from "./job.ts";
import { Sandbox } from "./testing/steps.ts";

const wait = { interval: 1, limit: 30_000 };
const missing = new Refusal(400, "ValidationException", 'Could not find endpoint "it".');
const noGroup = new Refusal(400, "ResourceNotFoundException", "The specified log group does not exist.");

/** Returns the name of a stack's endpoint, in the region of its file or of the tests. */
function nameOf(stack: string): string {
  return endpointNameOf({
    accountId,
    region: "us-east-1",
    project: "async-video-inference",
    stack,
    rollbackAlarms: [],
  });
}

describe("the remains of earlier deployments", () => {
  const endpoint = nameOf("dev");
  const group = logGroupOf(endpoint);
  const before = process.env["AWS_ENDPOINT_URL"];
  let aws: FakeAws;
  let sandbox: Sandbox;
  let said: string;
  let job: Job;

  beforeEach(async () => {
    aws = await startFakeAws();
    process.env["AWS_ENDPOINT_URL"] = aws.url;
    aws.answers.set("DeleteLogGroup", noGroup);
    sandbox = await Sandbox.create();
    await sandbox.pulumiSays("done\n");
    said = "";
    job = {
      environment: {
        PATH: `${sandbox.folder}:/usr/bin:/bin`,
        PULUMI_BACKEND_URL: "s3://state",
        AWS_REGION: "us-east-1",
      },
      stdout: { write: (text) => (said += text) },
      stderr: { write: (text) => (said += text) },
    };
  });

  afterEach(async () => {
    if (before === undefined) delete process.env["AWS_ENDPOINT_URL"];
    else process.env["AWS_ENDPOINT_URL"] = before;
    await aws[Symbol.asyncDispose]();
    await sandbox[Symbol.asyncDispose]();
  });

  const calls = (operation: string) => aws.seen.filter((seen) => seen.operation === operation);

  /** A log group exists until it is deleted. */
  function withLogGroup(name: string): void {
    aws.answers.set("DescribeLogGroups", { logGroups: [{ logGroupName: `${name}-other` }, { logGroupName: name }] });
    aws.answers.set("DeleteLogGroup", {});
  }

  /** The endpoint has these statuses one after the other, and is then deleted. */
  function withEndpoint(...statuses: string[]): void {
    aws.answers.set("DescribeEndpoint", () => {
      const EndpointStatus = statuses.shift();
      return EndpointStatus === undefined ? missing : { EndpointName: endpoint, EndpointStatus };
    });
  }

  it("are usually none, and Pulumi is then not called", async () => {
    await clearRemains("dev", job, wait);
    assert.equal(said, "");
    assert.deepEqual(calls("DeleteLogGroup"), []);
  });

  it("include a log group outside the stack's state, which is named and removed", async () => {
    withLogGroup(group);
    await clearRemains("dev", job, wait);
    assert.equal(said, `Removed the log group ${group}, which an earlier deployment left.\n`);
    assert.deepEqual(
      calls("DeleteLogGroup").map(({ body }) => JSON.parse(body) as unknown),
      [{ logGroupName: group }],
    );
  });

  it("do not include a log group in the stack's state: it may explain a failed deployment", async () => {
    withLogGroup(group);
    await sandbox.stateHas([{ type: "aws:cloudwatch/logGroup:LogGroup", id: group }]);
    await clearRemains("dev", job, wait);
    assert.deepEqual(calls("DeleteLogGroup"), []);
  });

  it("include an endpoint that is being deleted, which the step waits for", async () => {
    withEndpoint("Deleting", "Deleting", "Deleting");
    withLogGroup(group);
    await clearRemains("dev", job, wait);
    assert.match(said, new RegExp(`^The endpoint ${endpoint} is still being deleted; waiting for it\\.\n.*Removed`));
    assert.equal(calls("DescribeEndpoint").length, 4);
  });

  it("make the step fail if the endpoint is not deleted in time", async () => {
    aws.answers.set("DescribeEndpoint", { EndpointStatus: "Deleting" });
    await assert.rejects(
      clearRemains("dev", job, { interval: 1, limit: 10 }),
      new RegExp(`^UserError: .*The endpoint ${endpoint} is still Deleting after .* minutes`),
    );
  });

  it("do not include the stack's endpoint, and make the step fail for an endpoint outside the stack's state", async () => {
    withLogGroup(group);
    aws.answers.set("DescribeEndpoint", { EndpointStatus: "InService" });
    await assert.rejects(
      clearRemains("dev", job, wait),
      /The endpoint .* \(InService\) exists but is not in the state of the stack dev/,
    );
    await sandbox.stateHas([{ type: "aws:sagemaker/endpoint:Endpoint", id: endpoint }]);
    await clearRemains("dev", job, wait);
    assert.deepEqual(calls("DeleteLogGroup"), []);
  });

  it("make the step fail with a message if AWS refuses to remove them", async () => {
    aws.answers.set("DescribeLogGroups", new Refusal(400, "AccessDeniedException", "not allowed"));
    await assert.rejects(
      clearRemains("dev", job, wait),
      /^UserError: Remains of earlier deployments of dev cannot be removed: AccessDeniedException: not allowed/,
    );
  });

  it("are awaited after a destroy, and include the log group that SageMaker created again", async () => {
    const old = `${endpoint}-of-earlier-alarms`;
    await sandbox.stateHas([
      { type: "aws:sagemaker/endpoint:Endpoint", id: old },
      { type: "aws:cloudwatch/logGroup:LogGroup", id: logGroupOf(old) },
    ]);
    withEndpoint("Deleting", "Deleting");
    aws.answers.set("DeleteLogGroup", (body) => (body.includes("of-earlier-alarms") ? {} : noGroup));
    using remains = await Remains.of("dev", job, wait);
    await remains.remove();
    assert.equal(said, `Removed the log group ${logGroupOf(old)}, which SageMaker created again.\n`);
    const names = calls("DescribeEndpoint").map(
      ({ body }) => (JSON.parse(body) as { EndpointName: string }).EndpointName,
    );
    assert.deepEqual(new Set(names), new Set([endpoint, old]));
    assert.equal(calls("DeleteLogGroup").length, 2);
  });

  it("are awaited after an update that replaced the endpoint, without the stack's current endpoint", async () => {
    const old = `${endpoint}-of-earlier-alarms`;
    const resources = (name: string) => [
      { type: "aws:sagemaker/endpoint:Endpoint", id: name },
      { type: "aws:cloudwatch/logGroup:LogGroup", id: logGroupOf(name) },
    ];
    await sandbox.stateHas(resources(old));
    aws.answers.set("DeleteLogGroup", {});
    using remains = await Remains.of("dev", job, wait);
    await remains.removeReplaced(resources(endpoint));
    assert.equal(said, `Removed the log group ${logGroupOf(old)}, which SageMaker created again.\n`);
  });

  for (const [what, first, statuses] of [
    ["is tried once if that is enough", [], []],
    ["is tried again once the endpoint is no longer busy", [255], ["Updating", "InService"]],
  ] as const) {
    it(`the destroy ${what}`, async () => {
      await sandbox.pulumiSays("said\n", 0, ...first);
      withEndpoint(...statuses);
      const { status, stderr } = await sandbox.step(["destroy", "--pull-request", "12"]);
      assert.equal(status, 0, stderr);
      assert.equal((await sandbox.calls()).length, 1 + first.length);
    });
  }

  it("the destroy fails if the second try does", async () => {
    await sandbox.pulumiSays("error: no\n", 1);
    const { status, stderr } = await sandbox.step(["destroy", "--pull-request", "12"]);
    assert.equal(status, 1);
    assert.equal((await sandbox.calls()).length, 2);
    assert.match(stderr, /pr-12 is not removed, and may still cost money/);
  });
});
