import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { ministackPython, repoRoot, servingPython } from "../../tools/paths.mjs";
import type { StackOutputs } from "../../client/src/index.ts";
import { localState } from "../../ops/local/local-stack.ts";
import { leftProcesses, run } from "../../ops/testing/commands.ts";
import { freePort } from "../../lib/ports.ts";
import { takeDownLeftover } from "../testing/leftover-stack.ts";

/** Variables of a user's shell that the local stack must ignore: proxies and AWS settings. */
const foreign = {
  ...Object.fromEntries(
    ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"].map((name) => [name, "http://127.0.0.1:9"]),
  ),
  AWS_PROFILE: "nosuch",
  AWS_SESSION_TOKEN: "token",
  AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9",
};

const local = (...args: string[]) => run(["ops/main.ts", "local", ...args], foreign);

/**
 * Runs a shell command with the variables that `local:env` prints as its only AWS and Pulumi settings; returns its standard
 * output.
 * @param role of the session. @default the administrator
 */
async function withLocalEnv(command: string, role?: string): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|PULUMI)_/.test(name)));
  const given =
    role === undefined ? 'eval "$(node ops/main.ts local env)"' : `eval "$(node ops/main.ts local env --role ${role})"`;
  const { stdout } = await promisify(execFile)("bash", ["-ec", `${given}\n${command}`], {
    cwd: repoRoot,
    env: { ...env, ...foreign },
  });
  return stdout;
}

const quoted = (path: string): string => `'${path}'`;

before(() => takeDownLeftover());

describe("the local stack between local:up and local:down", () => {
  let outputs: StackOutputs;
  let url: string;

  before(async () => {
    const { status, stdout, stderr } = await local("up", "--json", "--port", String(await freePort()), "--speed", "600")
      .finished;
    assert.equal(status, 0, stderr);
    ({ outputs, url } = JSON.parse(stdout) as { outputs: StackOutputs; url: string });
  });

  after(async () => {
    const { status, stderr } = await local("down").finished;
    assert.equal(status, 0, stderr);
    assert.deepEqual(await leftProcesses(), []);
    assert.equal(existsSync(localState.lock), false);
    assert.equal(existsSync(localState.aws), false);
    assert.equal(existsSync(localState.backend), false);
    assert.equal((await local("status").finished).status, 2);
  });

  it("is up in the output of local:status", async () => {
    const { stdout } = await local("status", "--json").finished;
    const status = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(status["up"], true);
    assert.equal(status["url"], url);
    assert.equal(status["endpoint"], outputs.endpointName);
  });

  it("has every stack output", () => {
    for (const name of [
      "endpointName",
      "variantName",
      "region",
      "awsEndpointUrl",
      "inputBucket",
      "inputPrefix",
      "outputLocation",
      "failureLocation",
      "jobsLocation",
      "successTopicArn",
      "errorTopicArn",
      "successQueueUrl",
      "errorQueueUrl",
      "maxConcurrency",
      "instanceType",
      "maxCapacity",
    ] as const) {
      assert.notEqual(outputs[name], undefined, name);
    }
  });

  it("passes the smoke test: a good video from zero instances, and a bad file", async () => {
    const { status, stdout, stderr } = await run(["smoke/main.ts", "--stack", "local"]).finished;
    assert.equal(status, 0, `${stdout}\n${stderr}`);
  });

  it("processes videos in steps: submit to a journal, resume it, status, fetch with annotated videos", async () => {
    const folder = await mkdtemp(join(tmpdir(), "steps-"));
    try {
      const sample = join(repoRoot, "model/samples/street.mp4");
      await copyFile(sample, join(folder, "clip.mp4"));
      const jobs = join(folder, "jobs.jsonl");
      const client = async (...args: string[]) => await run(["ops/main.ts", ...args]).finished;
      const submitted = await client("submit", sample, folder, "--journal", jobs);
      assert.equal(submitted.status, 0, submitted.stderr);
      const resumed = await client("submit", "--resume", "--journal", jobs, "--wait");
      assert.equal(resumed.status, 0, resumed.stderr);
      const shown = await client("status", jobs, "--json");
      assert.equal(shown.status, 0, `${shown.stdout}\n${shown.stderr}`);
      assert.match(shown.stdout, /"status":"completed"/);
      const fetched = await client("fetch", jobs, "--annotate", "--to", folder);
      assert.equal(fetched.status, 0, `${fetched.stdout}\n${fetched.stderr}`);
      const files = await readdir(folder, { recursive: true });
      assert.ok(
        files.some((file) => file.endsWith("annotated.mp4")),
        files.join(", "),
      );
      // As on another machine: without the journal, by the jobs' records.
      const [, id = ""] = /"inferenceId":"([^"]+)"/.exec(shown.stdout) ?? [];
      await rm(jobs);
      const byId = await client("fetch", "--id", id, "--to", join(folder, "by-id"));
      assert.equal(byId.status, 0, `${byId.stdout}\n${byId.stderr}`);
      assert.deepEqual(await readdir(join(folder, "by-id")), [`${id}.json`]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("passes the pipeline's steps: a preview that saves a plan, an update with that plan, the drift check", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pipeline-"));
    try {
      const plan = quoted(join(folder, "plan.json"));
      await withLocalEnv(`node ops/main.ts pipeline preview --stack local --refresh --plan ${plan}`);
      await withLocalEnv(`node ops/main.ts pipeline up --stack local --plan ${plan}`);
      await withLocalEnv("node ops/main.ts pipeline drift-check --stack local");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("gives boto3 a result with only the variables that local:env prints", async () => {
    const stdout = await withLocalEnv(
      `'${servingPython}' e2e/testing/invoke.py '${outputs.endpointName}' '${outputs.inputBucket}' '${outputs.inputPrefix}' '${join(repoRoot, "model/samples/street.mp4")}'`,
    );
    const answer = JSON.parse(stdout) as { frames: number; status: number };
    assert.equal(answer.status, 202);
    assert.ok(answer.frames >= 5);
  });

  it("has no difference from the program for the Pulumi CLI", async () => {
    await withLocalEnv("pulumi preview --stack local --non-interactive --expect-no-changes");
    await withLocalEnv("pulumi refresh --stack local --non-interactive --yes --expect-no-changes --skip-preview");
  });

  const whoAmI = `'${ministackPython}' -c "import botocore.session
print(botocore.session.get_session().create_client('sts').get_caller_identity()['Arn'])"`;

  for (const role of ["caller", "operator"]) {
    it(`gives a shell a session of the role local-${role}`, async () => {
      assert.match(await withLocalEnv(whoAmI, role), new RegExp(`:assumed-role/local-${role}/local-env\n$`));
    });
  }

  it("prints when a role's session expires, and the command false for an unknown role", async () => {
    assert.match((await local("env", "--role", "caller").finished).stderr, /^The credentials of caller expire at /);
    const { status, stdout, stderr } = await local("env", "--role", "nosuch").finished;
    assert.deepEqual([status, stdout], [2, "false\n"]);
    assert.match(stderr, /no role nosuch/);
  });

  it("denies a caller what its policy does not allow, and explains it", async () => {
    const video = `arn:aws:s3:::${outputs.inputBucket}/${outputs.inputPrefix}clip.mp4`;
    const explain = (action: string) =>
      run(["ops/main.ts", "explain", "--role", "caller", "--action", action, "--resource", video, "--json"]).finished;
    const allowed = await explain("s3:PutObject");
    assert.equal(allowed.status, 0, allowed.stderr);
    const decision = JSON.parse(allowed.stdout) as Record<string, unknown>;
    assert.match(String(decision["policy"]), /:policy\/.*caller/);
    assert.equal(decision["sid"], "UploadVideos");
    assert.equal((await explain("s3:DeleteObject")).status, 1);
    const deleteObject = `'${ministackPython}' -c "import botocore.session
s3 = botocore.session.get_session().create_client('s3')
s3.delete_object(Bucket='${outputs.inputBucket}', Key='${outputs.inputPrefix}clip.mp4')"`;
    await assert.rejects(
      withLocalEnv(deleteObject, "caller"),
      /no identity-based policy allows the s3:DeleteObject action/,
    );
  });

  it("prints denials below the error of a failed command", async () => {
    const denied =
      /\nerror: AccessDeniedException: .*\nDenied on the local stack during this command:\n {2}IAM denied sagemaker:DescribeEndpoint: principal \S+local-caller\S+, resource \S+, policy -, sid -\n/;
    await assert.rejects(withLocalEnv("node ops/main.ts burst --count 1", "caller"), denied);
  });

  it("waits for a moment of the stack's clock", async () => {
    const stackTime = async () => Date.parse((await fetch(`${url}/_local/health`)).headers.get("date") ?? "");
    const until = Math.floor((await stackTime()) / 1000) * 1000 + 3 * 3_600_000;
    const waiting = local("wait", "--until", new Date(until).toISOString().replace(".000", ""));
    const { status, stderr } = await waiting.finished;
    assert.equal(status, 0, stderr);
    assert.ok((await stackTime()) >= until);
  });

  it("refuses a second local:up", async () => {
    const { status, stderr } = await local("up").finished;
    assert.equal(status, 2);
    assert.match(stderr, /npm run local:down/);
  });
});
