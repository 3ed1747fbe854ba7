/** Runs the commands of callers and operators as the roles that the documents name, on an emulator that enforces IAM. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { awsEnvironment, Deployment } from "../../ops/deployment/deployment.ts";
import { spawnEmulator } from "../../ops/local/emulator.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { assumeRole, attachLocalRoles } from "../../ops/local/roles.ts";
import { packageModel } from "../../ops/start/model.ts";
import { statePaths } from "../../ops/local/local-folder.ts";
import { run } from "../../ops/testing/commands.ts";
import type { Finished } from "../../ops/testing/commands.ts";
import { signed } from "../../emulator/testing/test-gateway.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };
const video = join(import.meta.dirname, "..", "..", "model", "samples", "street.mp4");

describe("the policies for callers and operators", () => {
  let folder: string;
  let aws: RunningEmulator;
  let outputs: Record<string, unknown>;
  let jobs: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "access-"));
    jobs = join(folder, "jobs.jsonl");
    const paths = statePaths(folder);
    await mkdir(paths.aws, { recursive: true });
    [aws] = await Promise.all([spawnEmulator({ paths, port: 0, speed: 240, signal }), packageModel(signal)]);
    const deployment = await Deployment.open(aws, paths);
    ({ outputs } = await deployment.up(step, signal));
    await attachLocalRoles(aws, outputs, signal);
    // In a folder without the administrator's key pair: the commands have only the role's credentials.
    await mkdir(join(folder, "role"));
    await writeFile(join(folder, "role", "outputs.json"), JSON.stringify(outputs));
  });

  after(async () => {
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  /** Runs a command of the project on the stack with a session of a role. */
  async function as(role: string, ...command: string[]): Promise<Finished> {
    const credentials = await assumeRole(aws, role);
    const args = [...command, "--outputs", join(folder, "role", "outputs.json")];
    return await run(args, awsEnvironment({ ...aws, credentials })).finished;
  }

  async function passes(role: string, ...command: string[]): Promise<void> {
    const { status, stdout, stderr } = await as(role, ...command);
    assert.equal(status, 0, `${stdout}\n${stderr}`);
  }

  it("let a caller send a video and wait for its result", async () => {
    await passes("caller", "ops/main.ts", "submit", video, "--wait", "--journal", jobs);
  });

  it("let a caller see the status of jobs, and fetch results", async () => {
    await passes("caller", "ops/main.ts", "status", jobs);
    const results = join(folder, "results");
    await passes("caller", "ops/main.ts", "fetch", jobs, "--to", results);
    assert.equal((await readdir(results)).length, 1);
  });

  it("let an operator see the endpoint", async () => {
    const { status, stdout, stderr } = await as("operator", "ops/main.ts", "status", "--json");
    assert.equal(status, 0, stderr);
    assert.match(stdout, /"status":"InService"/);
  });

  it("let an operator run the smoke test, which cannot delete its objects", async () => {
    const { status, stdout, stderr } = await as("operator", "smoke/main.ts", "--any");
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.match(stderr, /left for the bucket's lifecycle rules: .*s3:ListBucketVersions/);
  });

  it("let an operator redrive, and give up messages that cannot be read", async () => {
    const sqs = new SQSClient({ endpoint: aws.url, region: aws.region, credentials: aws.credentials });
    await sqs.send(
      new SendMessageCommand({ QueueUrl: String(outputs["errorQueueUrl"]), MessageBody: "no notification" }),
    );
    sqs.destroy();
    const journal = join(folder, "redriven.jsonl");
    const { status, stdout, stderr } = await as("operator", "ops/main.ts", "redrive", "--journal", journal);
    assert.equal(status, 1, stderr);
    assert.match(stdout, /1 unreadable/);
  });

  it("let an operator send a burst and report on it", async () => {
    await passes("operator", "ops/main.ts", "burst", "--count", "2", "--out", join(folder, "burst"));
  });

  it("let a caller send no burst, and say so before anything is sent", async () => {
    const { status, stderr } = await as("caller", "ops/main.ts", "burst", "--count", "2", "--out", join(folder, "no"));
    assert.equal(status, 2, stderr);
    assert.match(
      stderr,
      /\nerror: AccessDeniedException: User: \S+local-caller\S+ is not authorized to perform: sagemaker:DescribeEndpoint on resource: \S+ because no identity-based policy allows the sagemaker:DescribeEndpoint action \(/,
    );
    assert.doesNotMatch(stderr, /accepted/);
  });

  it("allow neither of them to change the stack", async () => {
    const endpoint = `arn:aws:sagemaker:${aws.region}:${aws.accountId}:endpoint/${String(outputs["endpointName"])}`;
    const bucket = `arn:aws:s3:::${String(outputs["inputBucket"])}`;
    const roleArn = `arn:aws:iam::${aws.accountId}:role/local-operator`;
    const allowed: string[] = [];
    for (const [action, resource] of [
      ["sagemaker:DescribeEndpoint", endpoint],
      ["sagemaker:UpdateEndpoint", endpoint],
      ["s3:PutObject", `${bucket}/models/f00d/model.tar.gz`],
      ["s3:GetObject", `${bucket}/models/f00d/model.tar.gz`],
      ["s3:DeleteObject", `${bucket}/input/video.mp4`],
      ["sqs:DeleteQueue", `arn:aws:sqs:${aws.region}:${aws.accountId}:video-local-success`],
    ] as const) {
      const body = JSON.stringify({ roleArn, action, resources: [resource] });
      const url = `${aws.url}/_local/explain`;
      const request = await signed(url, { service: "sts", credentials: aws.credentials, body });
      const decision = (await (await fetch(url, request)).json()) as { allowed: boolean };
      if (decision.allowed) allowed.push(action);
    }
    // The first one shows that the question is understood.
    assert.deepEqual(allowed, ["sagemaker:DescribeEndpoint"]);
  });
});
