/** Runs every command of the workflows, from a pull request to production, by GitHub's rules and with the emulator as AWS. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import type { LogGroup } from "@aws-sdk/client-cloudwatch-logs";
import { z } from "zod";
import { bootstrapPolicies, bootstrapStack, copyBootstrap } from "../../ops/rehearsal/account.ts";
import manifest from "../../package.json" with { type: "json" };
import { pulumiPath } from "../../ops/deployment/deployment.ts";
import { BootstrappedAccount } from "../testing/bootstrapped-account.ts";
import { assertPreviewRoleOnlyReads } from "../testing/preview-role.ts";
import { cacheRoot, repoRoot } from "../../tools/paths.mjs";
import { backendObjects, inventory } from "../../ops/pipeline/testing/workflows/inventory.ts";
import { setting } from "../../ops/pipeline/testing/workflows/origin.ts";
import type { WorkflowRun } from "../../ops/pipeline/testing/workflows/run.ts";
import {
  author,
  resultsOf,
  TestRepository,
  withoutWork,
} from "../../ops/pipeline/testing/workflows/test-repository.ts";

const plan = z.looseObject({ resourcePlans: z.record(z.string(), z.unknown()) });

/** Display names of jobs. */
const jobNames = {
  artifact: "Build the model artifact",
  dev: "Deploy and smoke-test dev",
  plan: "Preview prod",
  approval: "Approve prod's plan",
  prod: "Deploy and smoke-test prod",
};

describe("the workflows", function () {
  this.timeout(10 * 60_000);
  // Each test needs the tests before it.
  this.bail(true);
  let folder: string;
  let account: BootstrappedAccount;
  let team: TestRepository;
  let [first, second]: [WorkflowRun?, WorkflowRun?] = [];

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "workflows-")));
    account = await BootstrappedAccount.open(join(folder, "aws"), {
      stackName: bootstrapStack,
      projectFolder: await copyBootstrap(folder),
      policyConfigFile: bootstrapPolicies,
    });
    const [node = "", pulumi = ""] = pulumiPath;
    team = await TestRepository.open({
      ...{ account, folder, cacheRoot, root: repoRoot, record: join(repoRoot, "out", "workflows") },
      programs: {
        node: { folder: node, version: process.versions.node },
        pulumi: { folder: pulumi, version: manifest.dependencies["@pulumi/pulumi"] },
      },
    });
  });

  afterEach(function () {
    if (this.currentTest?.state === "failed") team.showFailures();
  });

  after(async () => {
    await team[Symbol.asyncDispose]();
    await account[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** Waits until every job has ended or needs an approval; asserts that GitHub has refused no request. */
  async function idle(): Promise<void> {
    await team.repository.idle();
    assert.deepEqual(team.github.refusals, []);
  }

  const onlyRun = (runs: readonly WorkflowRun[], name: string): WorkflowRun => {
    const found = runs.filter(({ workflow }) => workflow.name === name);
    assert.equal(found.length, 1, `runs of ${name}`);
    return found[0]!;
  };

  const backend = async (variable: string) => await backendObjects(account.access, account.variables[variable] ?? "");
  const locks = async (variable: string) => (await backend(variable)).filter((each) => each.startsWith("locks/"));

  const resourcesOf = async (name: string) => {
    const url = account.variables[`${name.toUpperCase()}_BACKEND_URL`] ?? "";
    return await account.resources(name, url, join(folder, "origin"), join(folder, "home"));
  };

  it("give a job only the role that trusts its environment, with its permissions", () =>
    assertPreviewRoleOnlyReads(account));

  it("preview a pull request on dev and prod, and report both in one comment", async () => {
    const { number, runs } = await team.repository.openPullRequest(
      author,
      "keep-videos-longer",
      setting(["dev", "prod"], { "async-video-inference:inputRetentionDays": 4 }),
    );
    await idle();
    const run = onlyRun(runs, "pull-request");
    const results = resultsOf(run);
    assert.deepEqual(new Set(Object.values(results)), new Set(["success"]), JSON.stringify(results));
    assert.equal(runs.length, 1);
    run.restart("comment");
    await idle();
    assert.equal(run.job("comment").result, "success");
    const [comment, ...others] = team.github.comments;
    assert.deepEqual([comment?.issue, others], [number, []]);
    for (const stack of ["dev", "prod"]) assert.match(comment?.body ?? "", new RegExp(`### ${stack} passes`));
    assert.match(comment?.body ?? "", /\+ .*aws:sagemaker:Endpoint/);
  });

  it("deploy a stack for a pull request with the label, and remove it with the label", async () => {
    const number = team.github.comments[0]!.issue;
    const before = await inventory(account.access);
    const run = onlyRun(await team.repository.label(number, "deploy", author), "ephemeral");
    await idle();
    assert.deepEqual(run.waitsFor, ["ephemeral"]);
    run.approve("ephemeral");
    await idle();
    assert.deepEqual(resultsOf(run), {
      [jobNames.artifact]: "success",
      "Deploy and smoke-test the pull request's stack": "success",
    });
    const own = (await inventory(account.access)).filter((each) => !before.includes(each));
    for (const kind of [
      "bucket",
      "queue",
      "topic",
      "role",
      "policy",
      "endpoint",
      "model",
      "scalable target",
      "alarm",
    ]) {
      assert.ok(
        own.some((each) => each.startsWith(`${kind} `)),
        `no ${kind} in ${own.join(", ")}`,
      );
    }
    const removal = onlyRun(await team.repository.unlabel(number, "deploy", author), "destroy");
    await idle();
    assert.equal(resultsOf(removal)[`Destroy pr-${number}`], "success");
    assert.deepEqual(await inventory(account.access), before);
    assert.deepEqual(await backend("EPHEMERAL_BACKEND_URL"), []);
  });

  it("deploy a merge to dev, test it there, and plan prod, which waits for a reviewer", async () => {
    const runs = await team.repository.merge(team.github.comments[0]!.issue, author);
    await idle();
    first = onlyRun(runs, "deploy");
    const done = { [jobNames.artifact]: "success", [jobNames.dev]: "success", [jobNames.plan]: "success" };
    assert.deepEqual(resultsOf(first), { ...done, [jobNames.approval]: "waiting" });
    assert.deepEqual(first.waitsFor, ["production-approval"]);
    assert.match(first.job(jobNames.plan).summary, /## prod: passed/);
    assert.ok((await resourcesOf("dev")).length > 50);
    assert.equal((await resourcesOf("prod")).length, 0);
  });

  it("unlock a stack whose job was killed during an update, and deploy it when the job is rerun", async () => {
    team.onOutput = ({ key, process }, text) => {
      // Kill the job in the update, after its first change: the output of the preview before it has no seconds.
      if (key === "dev" && /(created|created replacement|updated) \(\d/.test(text)) process?.kill();
    };
    const runs = await team.repository.pushToMain(
      author,
      "Sample twice a second",
      setting(["dev", "prod"], { "async-video-inference:sampleFps": 2 }),
    );
    await idle();
    team.onOutput = () => undefined;
    second = onlyRun(runs, "deploy");
    assert.deepEqual([second.job(jobNames.dev).result, second.job(jobNames.plan).result], ["failure", "skipped"]);
    assert.equal((await locks("DEV_BACKEND_URL")).length, 1);
    const unlock = await team.repository.dispatch("unlock.yml", { stack: "dev" }, author);
    await idle();
    assert.deepEqual(resultsOf(unlock), { Unlock: "success" });
    assert.deepEqual(await locks("DEV_BACKEND_URL"), []);
    // The test of the merge has run it.
    team.scenario = new Map([["npm run -s smoke -- --stack dev --until-zero", "true"]]);
    second.start();
    await idle();
    team.scenario = new Map();
    assert.equal(resultsOf(second)[jobNames.dev], "success");
    assert.deepEqual([first?.waitsFor, second.waitsFor], [["production-approval"], ["production-approval"]]);
  });

  it("deploy prod by exactly the approved plan", async () => {
    const [file = ""] = await team.artifacts.filesOf("plan-prod", second!.id);
    assert.equal(basename(file), "prod.json");
    const approved = await readFile(file, "utf8");
    const { resourcePlans, ...rest } = plan.parse(JSON.parse(approved));
    // A plan without one of the resources: the update must not create it.
    const others = Object.entries(resourcePlans).filter(([urn]) => !urn.includes("aws:cloudwatch/dashboard:Dashboard"));
    assert.equal(others.length, Object.keys(resourcePlans).length - 1);
    await writeFile(file, JSON.stringify({ ...rest, resourcePlans: Object.fromEntries(others) }));
    second!.approve("production-approval");
    await idle();
    assert.equal(second!.job("prod").result, "failure");
    assert.match(second!.job("prod").log, /create is not allowed by the plan/);
    assert.deepEqual(await resourcesOf("prod"), []);
    await writeFile(file, approved);
    second!.start();
    await idle();
    assert.equal(resultsOf(second!)[jobNames.prod], "success");
    assert.deepEqual(await resourcesOf("prod"), Object.keys(resourcePlans).sort());
  });

  it("refuse an older plan that is approved later, and change nothing", async () => {
    const before = [await inventory(account.access), await backend("PROD_BACKEND_URL")];
    first?.approve("production-approval");
    await idle();
    const job = first!.job(jobNames.prod);
    assert.equal(job.result, "failure");
    assert.match(job.log, /production has had the commit [0-9a-f]{7}, which [0-9a-f]{7} does not contain/);
    assert.doesNotMatch(job.log, /pipeline -- up/);
    assert.deepEqual([await inventory(account.access), await backend("PROD_BACKEND_URL")], before);
  });

  it("report manual changes in one issue, and close it once they are reverted", async () => {
    const logs = new CloudWatchLogsClient(account.access);
    const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({}));
    const change = async ({ logGroupName }: LogGroup, days: number) => {
      await logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: days }));
    };
    const endpoint = (await inventory(account.access))
      .find((each) => each.startsWith("endpoint video-prod-"))
      ?.slice(9);
    const group = logGroups.find(({ logGroupName }) => logGroupName?.endsWith(`/${endpoint ?? "?"}`));
    assert.ok(group !== undefined, `no log group of ${endpoint ?? "an endpoint"}`);
    await change(group, 1);
    for (const night of [1, 2]) {
      const run = await team.repository.schedule("drift.yml");
      await idle();
      const results = { "Check dev": "success", "Check prod": "failure", "Open, edit or close the issue": "success" };
      assert.deepEqual({ night, ...resultsOf(run) }, { night, ...results });
      assert.match(run.job("Check prod").log, /has drifted: the changes above/);
    }
    const issues = [...team.github.issues.values()].filter(({ pull }) => pull === undefined);
    assert.deepEqual(
      issues.map(({ state: each }) => each),
      ["open"],
    );
    assert.match(issues[0]!.body, /### prod: /);
    assert.match(issues[0]!.body, /aws:cloudwatch:LogGroup|aws:cloudwatch\/logGroup:LogGroup/);
    await change(group, group.retentionInDays ?? 0);
    logs.destroy();
    await team.repository.schedule("drift.yml");
    await idle();
    assert.equal(issues[0]!.state, "closed");
  });

  it("deploy nothing for a pull request whose tests fail", async () => {
    team.scenario = new Map([...withoutWork, ["npm test", "exit 1"]]);
    const { runs } = await team.repository.openPullRequest(
      author,
      "fail-tests",
      setting(["dev"], { "async-video-inference:maxCapacity": 1 }),
    );
    await idle();
    const run = onlyRun(runs, "pull-request");
    assert.equal(run.job("test").result, "failure");
    assert.deepEqual([run.job("preview").result, run.job("comment").result], ["skipped", "skipped"]);
  });

  it("remove the stack of a pull request that loses its label during the deployment", async () => {
    const number = Math.max(...team.github.issues.keys());
    const issue = team.github.issues.get(number)!;
    // As if the event was lost, or came before the stack existed.
    team.onOutput = (_, text) => {
      if (text.includes("is open and has the label")) issue.labels.delete("deploy");
    };
    team.scenario = new Map([...withoutWork, ['npm run -s pipeline -- up --stack "pr-$PULL_REQUEST"', "true"]]);
    const run = onlyRun(await team.repository.label(number, "deploy", author), "ephemeral");
    await idle();
    run.approve("ephemeral");
    await idle();
    team.onOutput = () => undefined;
    const { log, result } = run.job("deploy");
    assert.equal(result, "failure");
    assert.match(log, /has no label "deploy"/);
    assert.match(log, /\$ npm run -s pipeline -- destroy/);
    assert.doesNotMatch(log, /\$ npm run -s smoke/);
    assert.deepEqual(await backend("EPHEMERAL_BACKEND_URL"), []);
  });

  it("show the next steps when a smoke test fails", async () => {
    const smoke = {
      dev: "npm run -s smoke -- --stack dev --until-zero",
      prod: "npm run -s smoke -- --stack prod --any",
    };
    team.scenario = new Map([...withoutWork, [smoke.dev, "exit 1"]]);
    const dev = await team.repository.dispatch("deploy.yml", {}, author);
    await idle();
    assert.deepEqual(dev.results[jobNames.plan], "skipped");
    assert.match(dev.job("dev").summary, /dev failed its smoke test.*prod remains unchanged/s);
    team.scenario = new Map([...withoutWork, [smoke.dev, "true"], [smoke.prod, "exit 1"]]);
    const prod = await team.repository.dispatch("deploy.yml", {}, author);
    await idle();
    prod.approve("production-approval");
    await idle();
    assert.match(prod.job("prod").summary, /prod failed its smoke test/);
    team.scenario = new Map();
  });

  it("look up vulnerabilities in every lock file", async () => {
    const run = await team.repository.schedule("audit.yml");
    await idle();
    const [job] = run.jobs;
    assert.equal(job?.result, "success", job?.log);
    for (const file of ["package-lock.json", "serving.txt", "go.mod"])
      assert.match(job.log, new RegExp(`scanned .*${file}`));
  });

  it("change nothing in a repository that is not bootstrapped, and print a notice", async () => {
    await using bare = await team.withoutVariables();
    bare.scenario = new Map([['npm run preview -- --stack "$STACK"', "true"]]);
    const { repository } = bare;
    const opened = await repository.openPullRequest(
      author,
      "not-bootstrapped",
      setting(["dev"], { "async-video-inference:maxCapacity": 1 }),
    );
    await repository.label(opened.number, "deploy", author);
    await repository.merge(opened.number, author);
    for (const file of ["drift.yml", "destroy.yml"]) await repository.schedule(file);
    await repository.dispatch("unlock.yml", { stack: "dev" }, author);
    await repository.idle();
    const harmless = ["Not bootstrapped", "Types, lint, tests, policy tests", /^Preview \w+ without an account$/];
    for (const run of repository.runs) {
      const results = resultsOf(run);
      for (const [name, result] of Object.entries(results)) {
        assert.equal(result, "success", `${run.title}: ${name}`);
        assert.ok(
          harmless.some((each) => (typeof each === "string" ? each === name : each.test(name))),
          `${run.title}: ${name}`,
        );
      }
      if (run.workflow.file === "destroy.yml" && run.happening.eventName === "pull_request_target") continue;
      assert.match(run.job("not-bootstrapped").log, /::notice title=Not bootstrapped::/, run.title);
    }
    assert.equal(new Set(repository.runs.map(({ workflow }) => workflow.name)).size, 6);
    assert.deepEqual(await team.missing(bare), []);
  });
});
