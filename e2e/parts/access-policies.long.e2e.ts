/** Compares the AWS calls of the client and the smoke test with the policies for callers and operators. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { GetPolicyCommand, GetPolicyVersionCommand, IAMClient } from "@aws-sdk/client-iam";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Deployment } from "../../ops/deployment/deployment.ts";
import { spawnEmulator } from "../../ops/local/emulator.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { packageModel } from "../../ops/start/model.ts";
import { statePaths } from "../../ops/local/state.ts";
import { run } from "../../ops/testing/commands.ts";
import { freePort } from "../../lib/ports.ts";
import { recordCalls } from "../../emulator/testing/aws-calls.ts";
import type { Call } from "../../emulator/testing/aws-calls.ts";
import { allows, statements } from "../../infra/testing/documents.ts";
import type { Statement } from "../../infra/testing/documents.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

/** The smoke test's clean-up calls, which neither policy allows; without them, the buckets' lifecycle rules delete its objects. */
const cleanupActions = ["s3:DeleteObject", "s3:ListBucketVersions"];

describe("the policies for callers and operators", () => {
  let folder: string;
  let aws: RunningEmulator;
  let outputs: Record<string, unknown>;
  let caller: Statement[];
  let operator: Statement[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "access-"));
    const paths = statePaths(folder);
    await mkdir(paths.aws, { recursive: true });
    [aws] = await Promise.all([
      spawnEmulator({ paths, port: await freePort(), speed: 240, signal }),
      packageModel(signal),
    ]);
    const deployment = await Deployment.open(aws, paths);
    ({ outputs } = await deployment.up(step, signal));
    [caller, operator] = await Promise.all([
      policyAt(String(outputs["callerPolicyArn"])),
      policyAt(String(outputs["operatorPolicyArn"])),
    ]);
  });

  after(async () => {
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  /** Reads the statements of a managed policy's default version from IAM. */
  async function policyAt(PolicyArn: string): Promise<Statement[]> {
    const iam = new IAMClient({ endpoint: aws.url, region: aws.region, credentials: aws.credentials });
    const { Policy: policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
    const version = { PolicyArn, VersionId: policy?.DefaultVersionId };
    const { PolicyVersion: found } = await iam.send(new GetPolicyVersionCommand(version));
    iam.destroy();
    return statements(JSON.parse(decodeURIComponent(found?.Document ?? "")));
  }

  const callsOf = (...command: string[]): Promise<Call[]> => callsWithStatus(0, ...command);

  /** Runs a command of the project against the stack, asserts its exit status, and returns its AWS calls. */
  async function callsWithStatus(expected: number, ...command: string[]): Promise<Call[]> {
    const recorder = await recordCalls(aws);
    try {
      const file = join(folder, "outputs.json");
      await writeFile(file, JSON.stringify({ ...outputs, awsEndpointUrl: recorder.url }));
      const { status, stderr } = await run([...command, "--outputs", file], { AWS_ENDPOINT_URL: recorder.url })
        .finished;
      assert.equal(status, expected, stderr);
      return [...recorder.calls];
    } finally {
      recorder.stop();
    }
  }

  const actionsOf = (calls: readonly Call[]) => [...new Set(calls.map(({ action }) => action))].sort();

  it("let a caller with no other policy send a video and fetch its result", async () => {
    const video = join(import.meta.dirname, "..", "..", "model", "samples", "street.mp4");
    const calls = await callsOf("ops/main.ts", "submit", video, "--wait");
    const actions = actionsOf(calls);
    for (const needed of ["s3:PutObject", "sagemaker:InvokeEndpointAsync", "s3:GetObject"]) {
      assert.ok(actions.includes(needed), `${needed} among ${actions.join(", ")}`);
    }
    const denied = calls.filter((call) => !allows(caller, call) && !allows(operator, call));
    assert.deepEqual(denied, []);
    // The client also reads the number of instances, but works without that permission.
    assert.deepEqual(
      actionsOf(calls.filter((call) => !allows(caller, call))).filter((action) => /^(s3|kms):|Invoke/.test(action)),
      [],
    );
  });

  it("let an operator who is also a caller run the smoke test", async () => {
    const calls = await callsOf("smoke/main.ts", "--any");
    const actions = actionsOf(calls);
    for (const needed of ["sqs:ListQueues", "sqs:CreateQueue", "sns:Subscribe", "sns:Unsubscribe", "sqs:DeleteQueue"]) {
      assert.ok(actions.includes(needed), `${needed} among ${actions.join(", ")}`);
    }
    const both = [...caller, ...operator];
    const denied = calls.filter((call) => !allows(both, call) && !cleanupActions.includes(call.action));
    assert.deepEqual(denied, []);
  });

  it("let an operator who is also a caller redrive, and give up messages that cannot be read", async () => {
    const sqs = new SQSClient({ endpoint: aws.url, region: aws.region, credentials: aws.credentials });
    await sqs.send(
      new SendMessageCommand({ QueueUrl: String(outputs["errorQueueUrl"]), MessageBody: "no notification" }),
    );
    sqs.destroy();
    const journal = join(folder, "redriven.jsonl");
    const calls = await callsWithStatus(1, "ops/main.ts", "redrive", "--journal", journal);
    const actions = actionsOf(calls);
    for (const needed of ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:SendMessage", "sqs:GetQueueUrl"]) {
      assert.ok(actions.includes(needed), `${needed} among ${actions.join(", ")}`);
    }
    assert.deepEqual(
      calls.filter((call) => !allows([...caller, ...operator], call)),
      [],
    );
  });

  it("let an operator who is also a caller send a burst and report on it", async () => {
    const calls = await callsOf("ops/main.ts", "burst", "--count", "2", "--out", join(folder, "burst"));
    const actions = actionsOf(calls);
    for (const needed of ["cloudwatch:GetMetricData", "sagemaker:DescribeEndpoint"]) {
      assert.ok(actions.includes(needed), `${needed} among ${actions.join(", ")}`);
    }
    assert.deepEqual(
      calls.filter((call) => !allows([...caller, ...operator], call)),
      [],
    );
  });

  it("allow neither of them to change the stack", () => {
    const endpoint = `arn:aws:sagemaker:${aws.region}:${aws.accountId}:endpoint/${String(outputs["endpointName"])}`;
    const bucket = `arn:aws:s3:::${String(outputs["inputBucket"])}`;
    for (const call of [
      { action: "sagemaker:UpdateEndpoint", resource: endpoint },
      { action: "s3:PutObject", resource: `${bucket}/models/f00d/model.tar.gz` },
      { action: "s3:GetObject", resource: `${bucket}/models/f00d/model.tar.gz` },
      { action: "s3:DeleteObject", resource: `${bucket}/input/video.mp4` },
      { action: "sqs:DeleteQueue", resource: `arn:aws:sqs:${aws.region}:${aws.accountId}:video-local-success` },
    ]) {
      assert.ok(!allows([...caller, ...operator], call), call.action);
    }
  });
});
