import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { accountId, Refusal, startFakeAws } from "../doctor/testing/fake-aws.ts";
import type { FakeAws } from "../doctor/testing/fake-aws.ts";
import { endpointNameOf, logGroupOf } from "../../infra/endpoint-name.ts";
import { FakeGitHub, Sandbox } from "./testing/steps.ts";
import { destroy, up } from "./update.ts";

/** An AWS without remains of an earlier deployment, for the tests of a suite. */
function withAws(): () => FakeAws {
  const before = process.env["AWS_ENDPOINT_URL"];
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await startFakeAws();
    aws.answers.set("DeleteLogGroup", new Refusal(400, "ResourceNotFoundException"));
    process.env["AWS_ENDPOINT_URL"] = aws.url;
  });

  afterEach(async () => {
    if (before === undefined) delete process.env["AWS_ENDPOINT_URL"];
    else process.env["AWS_ENDPOINT_URL"] = before;
    await aws[Symbol.asyncDispose]();
  });

  return () => aws;
}

describe("the step up", () => {
  const aws = withAws();

  it("first removes a log group that an earlier deployment left", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("done\n");
    const stack = {
      accountId,
      region: "us-east-1",
      project: "async-video-inference",
      stack: "dev",
      rollbackAlarms: [],
    };
    const logGroupName = logGroupOf(endpointNameOf(stack));
    aws().answers.set("DescribeLogGroups", { logGroups: [{ logGroupName }] });
    aws().answers.set("DeleteLogGroup", {});
    const { status, stdout } = await sandbox.step(["up", "--stack", "dev"]);
    assert.equal(status, 0);
    assert.equal(stdout, `Removed the log group ${logGroupName}, which an earlier deployment left.\n| done\n`);
  });

  it("refreshes from AWS, previews with the pack, and deploys", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("done\n");
    assert.equal((await sandbox.step(["up", "--stack", "dev"])).status, 0);
    assert.deepEqual(await sandbox.calls(), [
      "--non-interactive --color never up --yes --refresh --stack dev --suppress-progress " +
        "--policy-pack policies --policy-pack-config policies/config.dev.json",
    ]);
  });

  it("limits the update to the approved plan, and explains a plan that no longer fits", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("error: update is not allowed by the plan\n", 1);
    const { status, stderr } = await sandbox.step(["up", "--stack", "prod", "--plan", "plan.json"]);
    assert.equal(status, 1);
    assert.match((await sandbox.calls())[0] ?? "", /config\.prod\.json --plan plan\.json$/);
    assert.doesNotMatch((await sandbox.calls())[0] ?? "", /--skip-preview/);
    assert.match(stderr, /the stack has changed since the approval: run the whole workflow again/);
  });

  it("evaluates a pull request's stack with dev's config, and one without a config with the policies' defaults", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("done\n");
    for (const stack of ["pr-12", "team/pr-12", "mine"]) await sandbox.step(["up", "--stack", stack]);
    const configs = (await sandbox.calls()).map((call) => /config\.\w+\.json/.exec(call)?.[0]);
    assert.deepEqual(configs, ["config.dev.json", "config.dev.json", undefined]);
  });

  it("waits briefly for a lock", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("error: the stack is currently locked by 1 lock(s).\n", 0, 255);
    await up(
      { stack: "dev" },
      sandbox.job({}, () => undefined),
      { interval: 1, limit: 60_000 },
    );
    assert.equal((await sandbox.calls()).length, 2);
  });

  it("accepts only a valid stack's name", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("done\n");
    for (const args of [
      ["--stack", "--yes"],
      ["--stack", "dev prod"],
      ["--stack", "Dev"],
      ["--stack", `d${"x".repeat(20)}`],
      ["--stack="],
      [],
      ["dev"],
    ]) {
      const { status, stderr } = await sandbox.step(["up", ...args]);
      assert.equal(status, 2, args.join(" "));
      assert.doesNotMatch(stderr, /\n\s+at /);
    }
    await assert.rejects(sandbox.calls());
  });
});

describe("the step destroy", () => {
  withAws();

  it("removes a pull request's stack and its record", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("done\n");
    assert.equal((await sandbox.step(["destroy", "--pull-request", "12"])).status, 0);
    assert.deepEqual(await sandbox.calls(), [
      "--non-interactive --color never destroy --yes --remove --stack pr-12 --suppress-progress",
    ]);
  });

  it("cannot be used for another stack", async () => {
    await using sandbox = await Sandbox.create();
    for (const wrong of ["prod", "0", "-1", "12 prod", "../prod", "12\n", ""]) {
      const { status, stderr } = await sandbox.step(["destroy", `--pull-request=${wrong}`]);
      assert.equal(status, 2, wrong);
      assert.match(stderr, /--pull-request (must be a pull request's number|needs a value); --help/);
    }
    assert.equal((await sandbox.step(["destroy", "--stack", "prod"])).status, 2);
  });

  it("succeeds if the stack does not exist", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("error: no stack named 'pr-9' found\n", 6);
    const { status, stdout } = await sandbox.step(["destroy", "--pull-request", "9"]);
    assert.equal(status, 0);
    assert.equal(stdout, "The stack pr-9 does not exist: nothing to remove.\n");
    await assert.rejects(sandbox.calls());
  });

  it("waits for a deployment that still runs", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("error: the stack is currently locked by 1 lock(s).\n", 0, 255, 255);
    let log = "";
    const job = sandbox.job({}, (text) => (log += text));
    await destroy(12, job, { interval: 1, limit: 60_000 });
    assert.equal((await sandbox.calls()).length, 3);
    assert.match(log, /pr-12 is locked by another update/);
  });

  it("warns that the remains may cost money", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("error: no\n", 1);
    const { status, stderr } = await sandbox.step(["destroy", "--pull-request", "12"]);
    assert.equal(status, 1);
    assert.match(stderr, /pr-12 is not removed, and may still cost money/);
  });
});

describe("the step unlock", () => {
  it("removes the stack's locks, and prints the next step", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("The currently running update for 'dev' has been canceled!\n");
    const { status, stdout } = await sandbox.step(["unlock", "--stack", "dev"]);
    assert.equal(status, 0);
    assert.deepEqual(await sandbox.calls(), ["--non-interactive --color never cancel --yes --stack dev"]);
    assert.match(stdout, /Deploy main again/);
  });

  const pull = { state: "closed", labels: [], head: { ref: "feature", sha: "a".repeat(40) } };
  const runs = "/actions/workflows/ephemeral.yml/runs";

  it("unlocks a pull request's stack if no deployment of it runs", async () => {
    await using github = new FakeGitHub();
    github.content.set("/pulls/12", pull);
    github.content.set(runs, { workflow_runs: [{ head_branch: "other", html_url: "https://github.example/1" }] });
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("");
    const { status, stdout, stderr } = await sandbox.step(["unlock", "--stack", "pr-12"], await github.environment());
    assert.equal(status, 0, stderr);
    assert.match(stdout, /Deploy or destroy it again/);
    assert.deepEqual(await sandbox.calls(), ["--non-interactive --color never cancel --yes --stack pr-12"]);
  });

  it("keeps the lock of a pull request's stack while a deployment of it runs", async () => {
    await using github = new FakeGitHub();
    github.content.set("/pulls/12", pull);
    github.content.set(runs, { workflow_runs: [{ head_branch: "feature", html_url: "https://github.example/2" }] });
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("");
    const { status, stderr } = await sandbox.step(["unlock", "--stack", "pr-12"], await github.environment());
    assert.equal(status, 1);
    assert.match(stderr, /keeps its lock.*https:\/\/github\.example\/2/);
    await assert.rejects(sandbox.calls());
  });

  it("accepts no other stack", async () => {
    await using sandbox = await Sandbox.create();
    for (const stack of ["local", "pr-0", "pr-", "team/dev", "prod --yes", "../prod"]) {
      const { status, stderr } = await sandbox.step(["unlock", "--stack", stack]);
      assert.equal(status, 2, stack);
      assert.match(stderr, /must be dev, prod or pr-NUMBER/);
    }
  });
});
