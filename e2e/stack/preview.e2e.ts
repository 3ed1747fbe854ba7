import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { z } from "zod";
import { repoRoot } from "../../tools/paths.mjs";
import { run } from "../../ops/testing/commands.ts";

const planSchema = z.object({
  stack: z.string(),
  passed: z.literal(true),
  policies: z.number(),
  changes: z.record(z.string(), z.number()),
  planned: z.array(z.object({ operation: z.string(), type: z.string(), name: z.string() })),
});

/** Unsets every AWS variable: no credentials, no region, no endpoint. */
const noAccount = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith("AWS_"))
    .map((name) => [name, undefined]),
);

describe("the account-free preview", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "preview-e2e-"));
  });

  after(() => rm(folder, { recursive: true }));

  async function preview(...args: string[]) {
    return await run(["ops/main.ts", "preview", ...args], noAccount).finished;
  }

  for (const stack of ["dev", "prod", "local", "pr-7"]) {
    it(`passes the stack ${stack}, lists the resources to create, and does not change the project`, async () => {
      const file = join(repoRoot, `Pulumi.${stack.replace(/-.*/, "")}.yaml`);
      const before = await readFile(file, "utf8");
      const { status, stdout, stderr } = await preview("--stack", stack, "--json");
      assert.equal(status, 0, stderr);
      assert.match(
        stderr,
        /^Preview of the stack [\w-]+ without an AWS account: no AWS API is called, nothing is created\.\n/,
      );
      const plan = planSchema.parse(JSON.parse(stdout));
      assert.equal(plan.stack, stack);
      assert.ok(plan.policies >= 2);
      assert.deepEqual(Object.keys(plan.changes), ["create"]);
      assert.ok(plan.planned.some(({ type }) => type === "aws:sagemaker/endpoint:Endpoint"));
      assert.equal(await readFile(file, "utf8"), before);
    });
  }

  /** Writes prod's config with an additional line; returns its path. */
  async function configWith(line: string): Promise<string> {
    const text = await readFile(join(repoRoot, "Pulumi.prod.yaml"), "utf8");
    const file = join(folder, "Pulumi.prod.yaml");
    await writeFile(file, `${text}  ${line}\n`);
    return file;
  }

  it("refuses an invalid config with one message that lists the problems", async () => {
    const file = await configWith("async-video-inference:sampleFps: fast");
    const { status, stdout, stderr } = await preview("--stack", "prod", "--config-file", file);
    assert.equal(status, 2);
    assert.match(stdout, /^Preview of the stack prod without an AWS account/);
    assert.equal(stderr.match(/The config of stack prod has a problem/g)?.length, 1, stderr);
    assert.match(stderr, /sampleFps is "fast", but must be a number above 0 .*Set it in .*Pulumi\.prod\.yaml: "/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it("refuses a policy violation with the remedy", async () => {
    const file = await configWith("async-video-inference:scoreThreshold: 0.4");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("minCapacity: 0", "minCapacity: 1"));
    const { status, stderr } = await preview("--stack", "prod", "--config-file", file);
    assert.equal(status, 1);
    assert.match(stderr, /min-capacity-zero.*minCapacity to 0/s);
    const { stdout } = await preview("--stack", "prod", "--config-file", file, "--json");
    const { passed, violations } = z
      .object({ passed: z.boolean(), violations: z.array(z.string()) })
      .parse(JSON.parse(stdout));
    assert.equal(passed, false);
    assert.match(violations.join("\n"), /min-capacity-zero/);
  });

  it("refuses a missing stack and a missing config file", async () => {
    for (const [args, message] of [
      [
        ["--stack", "staging"],
        /^error: --stack takes dev, prod, local, or pr-N for pull request N; --help lists the options\.\n$/,
      ],
      [["--stack", "pr"], /^error: --stack takes the stack of one pull request, such as pr-1; --help/],
      [[], /^error: --stack is missing; --help/],
    ] as const) {
      const { status, stderr } = await preview(...args);
      assert.equal(status, 2);
      assert.match(stderr, message);
    }
    assert.equal((await preview("--stack", "prod", "--config-file", join(folder, "absent.yaml"))).status, 2);
  });

  it("previews the config of an account that it cannot reach", async () => {
    const file = await configWith('aws:allowedAccountIds: ["123456789012"]\n  aws:profile: absent');
    const { status, stderr } = await preview("--stack", "prod", "--config-file", file, "--json");
    assert.equal(status, 0, stderr);
  });
});
