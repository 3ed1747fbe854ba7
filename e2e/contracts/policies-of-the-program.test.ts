/** The real program passes the pack, and the pack reports whatever is broken in it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { accountId, region, registrationsOf } from "../../infra/testing/registrations.ts";
import { stackConfig } from "../../infra/testing/stacks.ts";
import { type PackPolicy, policies } from "../../policies/pack.ts";
import { mutations } from "../../policies/testing/mutations.ts";
import { BrokenStack } from "../../policies/testing/broken-stack.ts";
import { type TestResource, type PackConfig, reports, urnOf } from "../../policies/testing/evaluate.ts";
import { checked, firstPreview } from "../../policies/testing/program.ts";

const stackNames = ["dev", "prod", "local"] as const;
type StackName = (typeof stackNames)[number];
const configSchema = z.record(
  z.string(),
  z.union([z.string().transform(() => ({})), z.record(z.string(), z.unknown())]),
);

function configFile(stack: StackName): string {
  return join(import.meta.dirname, "..", "..", "policies", `config.${stack}.json`);
}

function configOf(stack: StackName): PackConfig {
  return configIn(configFile(stack));
}

function configIn(file: string): PackConfig {
  return configSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}

/** The policies that a stack's config file does not disable. */
function policiesOf(stack: StackName): PackPolicy[] {
  const levels = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(configFile(stack), "utf8")));
  return policies.filter(({ name }) => levels[name] !== "disabled");
}

/** Imports the program anew: a module runs once for each address. */
let imports = 0;

/** What the program registers for a stack with some more settings. */
async function programResources(
  stack: StackName,
  settings: Readonly<Record<string, string>> = {},
): Promise<TestResource[]> {
  const folder = await mkdtemp(join(tmpdir(), "policies-"));
  try {
    const artifact = join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
    imports += 1;
    const address = `../../infra/index.ts?policies=${imports}`;
    const { registrations } = await registrationsOf(() => import(address), {
      stack,
      config: {
        ...stackConfig(stack, artifact),
        ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [`async-video-inference:${key}`, value])),
      },
    });
    return checked(registrations.all, { stack, region, accountId });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What the bootstrap registers in an account. */
async function bootstrapResources(settings: Readonly<Record<string, string>> = {}): Promise<TestResource[]> {
  imports += 1;
  const address = `../../infra/bootstrap/index.ts?policies=${imports}`;
  const { registrations } = await registrationsOf(() => import(address), {
    stack: "account",
    project: "async-video-bootstrap",
    config: Object.fromEntries(
      Object.entries({ repository: "team/videos", ...settings }).map(([key, value]) => [
        `async-video-bootstrap:${key}`,
        value,
      ]),
    ),
  });
  return checked(registrations.all, { stack: "account", region, accountId });
}

const callerAccountId = "210987654321";
const sourceKey = `arn:aws:kms:${region}:${callerAccountId}:key/0a1b2c3d-0000-1111-2222-333344445555`;
const sourceBuckets = JSON.stringify([
  { bucket: "team-videos", prefix: "clips/", keyArn: sourceKey },
  { bucket: "archive" },
]);
const peers = { principals: [`arn:aws:iam::${callerAccountId}:root`] };
/** Settings that add resources or statements, and what the pack's config has to say about them. */
const variants: Readonly<Record<string, { settings: Readonly<Record<string, string>>; config?: PackConfig }>> = {
  "in a VPC": { settings: { subnetIds: '["subnet-0a1b2c3d"]', securityGroupIds: '["sg-0a1b2c3d"]' } },
  "with e-mail": { settings: { operationsEmails: '["ops@example.com"]', completionEmails: '["team@example.com"]' } },
  "with callers of another account": { settings: { callerAccountId }, config: { "trusted-principals": peers } },
  "with AWS's Ray Serve image": { settings: { image: "ray" } },
  "with source buckets": { settings: { sourceBuckets } },
  "with a given key": { settings: { encryptionKeyArn: `arn:aws:kms:us-east-1:${accountId}:key/1a2b` } },
};

/** Broken stacks for each break: together at least 300. */
const runs = 8;

describe("the pack on the real program", () => {
  const unbroken = new Map<StackName, TestResource[]>();

  before(async () => {
    for (const stack of stackNames) unbroken.set(stack, await programResources(stack));
  });

  for (const stack of stackNames) {
    // The stack local disables the policy about the image, which AWS no longer patches.
    const advised = stack === "local" ? [] : ["supported-image"];

    it(`passes the stack ${stack} with its config and no report but the image's`, async () => {
      const said = await reports(policiesOf(stack), unbroken.get(stack)!, configOf(stack));
      assert.deepEqual(
        said.map(({ policy }) => policy),
        advised,
        JSON.stringify(said, undefined, 1),
      );
    });

    it(`passes the first preview of the stack ${stack}, and says what it cannot check yet`, async () => {
      const said = await reports(policiesOf(stack), firstPreview(unbroken.get(stack)!), configOf(stack));
      assert.deepEqual(
        said.filter(({ unknown }) => !unknown).map(({ policy }) => policy),
        advised,
        JSON.stringify(said, undefined, 1),
      );
      const cannot = new Set(said.filter(({ unknown }) => unknown).map(({ policy }) => policy));
      for (const policy of ["bucket-tls-only", "completion-topics", "topic-encrypted", "no-wildcards"]) {
        assert.ok(cannot.has(policy), policy);
      }
    });
  }

  for (const stack of ["dev", "prod"] as const) {
    for (const [what, { settings, config = {} }] of Object.entries(variants)) {
      it(`passes the stack ${stack} ${what}`, async () => {
        const said = await reports(policies, await programResources(stack, settings), {
          ...configOf(stack),
          ...config,
        });
        const others = said.filter(({ policy }) => policy !== "supported-image");
        assert.deepEqual(others, [], JSON.stringify(said, undefined, 1));
      });
    }
  }

  it("refuses a stack on AWS that may work without its GPU, and the stack local only without its config", async () => {
    for (const stack of stackNames) {
      const resources = await programResources(stack, { requireGpu: "false" });
      const said = await reports(policiesOf(stack), resources, configOf(stack));
      const refused = said.filter(({ policy }) => policy === "gpu-required");
      assert.equal(refused.length, stack === "local" ? 0 : 1, stack);
    }
  });

  it("advises to choose a machine image for an image whose tag names no CUDA version", async () => {
    const image = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/detector:1";
    const said = await reports(policiesOf("prod"), await programResources("prod", { image }), configOf("prod"));
    assert.deepEqual(
      said.map(({ policy }) => policy),
      ["inference-ami"],
      JSON.stringify(said, undefined, 1),
    );
  });

  it("passes the bootstrap with its config, which names the account", async () => {
    const config = configIn(join(import.meta.dirname, "..", "..", "infra", "bootstrap", "policies.json"));
    const principals = [`arn:aws:iam::${accountId}:oidc-provider/token.actions.githubusercontent.com`];
    for (const settings of [{}, { sourceBuckets }]) {
      const said = await reports(policies, await bootstrapResources(settings), {
        ...config,
        "trusted-principals": { principals },
      });
      assert.deepEqual(said, []);
    }
  });

  it("has a break for every policy, and breaks at least 300 stacks", () => {
    assert.deepEqual(
      [...new Set(mutations.map(({ policy }) => policy))].sort(),
      policies.map(({ name }) => name).sort(),
    );
    assert.ok(mutations.length * runs >= 300, String(mutations.length * runs));
  });

  for (const { policy, what, by } of mutations) {
    it(`reports by ${policy}: ${what}`, async () => {
      const stacks = policy === "data-protected" ? (["prod"] as const) : stackNames;
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...stacks), by, async (stack, breakIt) => {
          const broken = new BrokenStack(unbroken.get(stack)!);
          const named = breakIt(broken);
          const said = await reports(policies, broken.resources);
          const own = said.filter((each) => each.policy === policy && !each.unknown && each.urn === urnOf(named));
          assert.ok(own.length > 0, `not reported; said: ${JSON.stringify(said)}`);
          assert.ok(own.some(({ message }) => message.includes(`'${named.name}'`) || message.includes("No price")));
        }),
        { seed: 20_261_122, numRuns: runs },
      );
    });
  }
});
