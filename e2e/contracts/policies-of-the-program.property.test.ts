/** Tests that the real programs pass the policy pack, and that the pack reports every mutation of them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "mocha";
import fc from "fast-check";
import { z } from "zod";
import { accountId, region, registrationsOf } from "../../infra/testing/registrations.ts";
import { stackConfig } from "../../infra/testing/stacks.ts";
import { policies } from "../../policies/pack.ts";
import type { PackPolicy } from "../../policies/pack.ts";
import { mutations } from "../../policies/testing/mutations.ts";
import { BrokenStack } from "../../policies/testing/broken-stack.ts";
import { reports, urnOf } from "../../policies/testing/evaluate.ts";
import type { TestResource, PackConfig } from "../../policies/testing/evaluate.ts";
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

/** Number of imports so far, used as a query string: Node runs a module once for each URL. */
let imports = 0;

/** Runs the program for a stack with additional settings; returns the resources that it registers. */
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

/** Runs the bootstrap with additional settings; returns the resources that it registers. */
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
const warmWindow = JSON.stringify({
  ...{ days: "MON-FRI", start: "08:00", end: "18:00", timeZone: "Europe/Berlin", instances: 1 },
});
const peers = { principals: [`arn:aws:iam::${callerAccountId}:root`] };
const vpc = { subnetIds: '["subnet-0a1b2c3d"]', securityGroupIds: '["sg-0a1b2c3d"]' };
/** Settings that add resources or statements, with the pack config that they require. */
const variants: Readonly<Record<string, { settings: Readonly<Record<string, string>>; config?: PackConfig }>> = {
  "in a VPC": { settings: vpc },
  "in a VPC with an S3 endpoint": { settings: { ...vpc, s3Endpoint: "true" } },
  "with an isolated container": { settings: { networkIsolation: "true" } },
  "with e-mail": { settings: { operationsEmails: '["ops@example.com"]', completionEmails: '["team@example.com"]' } },
  "with callers of another account": { settings: { callerAccountId }, config: { "trusted-principals": peers } },
  "with AWS's Ray Serve image": { settings: { image: "ray" } },
  "with target tracking that scales in": { settings: { scaleIn: "tracking" } },
  "with a warm window": { settings: { warmWindow } },
  "with source buckets": { settings: { sourceBuckets } },
  "with a given key": { settings: { encryptionKeyArn: `arn:aws:kms:us-east-1:${accountId}:key/1a2b` } },
};

/** Mutated stacks for each mutation: at least 300 in total. */
const runs = 8;

describe("the policy pack on the real program", () => {
  const originals = new Map<StackName, TestResource[]>();

  before(async () => {
    for (const stack of stackNames) originals.set(stack, await programResources(stack));
  });

  for (const stack of stackNames) {
    // The stack local disables the policy for the image, which AWS no longer patches.
    const expected = stack === "local" ? [] : ["supported-image"];

    it(`passes the stack ${stack} with its config, with no finding except for the image`, async () => {
      const findings = await reports(policiesOf(stack), originals.get(stack)!, configOf(stack));
      assert.deepEqual(
        findings.map(({ policy }) => policy),
        expected,
        JSON.stringify(findings, undefined, 1),
      );
    });

    it(`passes the first preview of the stack ${stack}, and reports the policies that it cannot evaluate yet`, async () => {
      const findings = await reports(policiesOf(stack), firstPreview(originals.get(stack)!), configOf(stack));
      assert.deepEqual(
        findings.filter(({ unknown }) => !unknown).map(({ policy }) => policy),
        expected,
        JSON.stringify(findings, undefined, 1),
      );
      const notEvaluated = new Set(findings.filter(({ unknown }) => unknown).map(({ policy }) => policy));
      for (const policy of ["bucket-tls-only", "completion-topics", "topic-encrypted", "no-wildcards"]) {
        assert.ok(notEvaluated.has(policy), policy);
      }
    });
  }

  for (const stack of ["dev", "prod"] as const) {
    for (const [variant, { settings, config = {} }] of Object.entries(variants)) {
      it(`passes the stack ${stack} ${variant}`, async () => {
        const findings = await reports(policies, await programResources(stack, settings), {
          ...configOf(stack),
          ...config,
        });
        const others = findings.filter(({ policy }) => policy !== "supported-image");
        assert.deepEqual(others, [], JSON.stringify(findings, undefined, 1));
      });
    }
  }

  it("refuses a stack that may run without a GPU, except the stack local", async () => {
    for (const stack of stackNames) {
      const resources = await programResources(stack, { requireGpu: "false" });
      const findings = await reports(policiesOf(stack), resources, configOf(stack));
      const refused = findings.filter(({ policy }) => policy === "gpu-required");
      assert.equal(refused.length, stack === "local" ? 0 : 1, stack);
    }
  });

  for (const settings of [vpc, { networkIsolation: "true" }]) {
    it(`refuses requests by reference with ${Object.keys(settings).join(" and ")}, without a route to S3`, async () => {
      const resources = await programResources("prod", { ...settings, requests: "reference" });
      const findings = await reports(policiesOf("prod"), resources, configOf("prod"));
      const refused = findings.filter(({ policy }) => policy === "reference-needs-s3");
      assert.equal(refused.length, 1, JSON.stringify(findings, undefined, 1));
    });
  }

  it("recommends a machine image for a container image whose tag names no CUDA version", async () => {
    const image = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/detector:1";
    const findings = await reports(policiesOf("prod"), await programResources("prod", { image }), configOf("prod"));
    assert.deepEqual(
      findings.map(({ policy }) => policy),
      ["inference-ami"],
      JSON.stringify(findings, undefined, 1),
    );
  });

  it("passes the bootstrap with its config for the account", async () => {
    const config = configIn(join(import.meta.dirname, "..", "..", "infra", "bootstrap", "policies.json"));
    const principals = [`arn:aws:iam::${accountId}:oidc-provider/token.actions.githubusercontent.com`];
    for (const settings of [{}, { sourceBuckets }]) {
      const findings = await reports(policies, await bootstrapResources(settings), {
        ...config,
        "trusted-principals": { principals },
      });
      assert.deepEqual(findings, []);
    }
  });

  it("has a mutation for every policy, and at least 300 mutated stacks", () => {
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
        fc.asyncProperty(fc.constantFrom(...stacks), by, async (stack, mutate) => {
          const broken = new BrokenStack(originals.get(stack)!);
          const target = mutate(broken);
          const findings = await reports(policies, broken.resources);
          const expected = findings.filter(
            (each) => each.policy === policy && !each.unknown && each.urn === urnOf(target),
          );
          assert.ok(expected.length > 0, `not reported; findings: ${JSON.stringify(findings)}`);
          assert.ok(
            expected.some(({ message }) => message.includes(`'${target.name}'`) || message.includes("No price")),
          );
        }),
        { seed: 20_261_122, numRuns: runs },
      );
    });
  }
});
