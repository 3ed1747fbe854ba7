/** The real program passes the pack, and the pack reports whatever is broken in it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { accountId, region, registrationsOf } from "../infra/testing/registrations.ts";
import { stackConfig } from "../infra/testing/stacks.ts";
import { policies } from "./pack.ts";
import { breaks } from "./testing/breaks.ts";
import { BrokenStack } from "./testing/broken-stack.ts";
import { type Judged, type PackConfig, reports, urnOf } from "./testing/judge.ts";
import { checked, firstPreview, type StackName } from "./testing/program.ts";

const stackNames = ["dev", "prod"] as const satisfies StackName[];
const configSchema = z.record(
  z.string(),
  z.union([z.string().transform(() => ({})), z.record(z.string(), z.unknown())]),
);

function configOf(stack: StackName): PackConfig {
  return configSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, `config.${stack}.json`), "utf8")));
}

/** Imports the program anew: a module runs once for each address. */
let imports = 0;

/** What the program registers for a stack. */
async function programResources(stack: StackName): Promise<Judged[]> {
  const folder = await mkdtemp(join(tmpdir(), "policies-"));
  try {
    const artifact = join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
    imports += 1;
    const address = `../infra/index.ts?policies=${imports}`;
    const { registrations } = await registrationsOf(() => import(address), {
      stack,
      config: stackConfig(stack, artifact),
    });
    return checked(registrations.all, { stack, region, accountId });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Broken stacks for each break: together at least 300. */
const runs = 8;

describe("the pack on the real program", () => {
  const unbroken = new Map<StackName, Judged[]>();

  before(async () => {
    for (const stack of stackNames) unbroken.set(stack, await programResources(stack));
  });

  for (const stack of stackNames) {
    it(`passes the stack ${stack} with its config and no report but the image's`, async () => {
      const said = await reports(policies, unbroken.get(stack)!, configOf(stack));
      assert.deepEqual(
        said.map(({ policy }) => policy),
        ["supported-image"],
        JSON.stringify(said, undefined, 1),
      );
    });

    it(`passes the first preview of the stack ${stack}, and says what it cannot check yet`, async () => {
      const said = await reports(policies, firstPreview(unbroken.get(stack)!), configOf(stack));
      assert.deepEqual(
        said.filter(({ unknown }) => !unknown).map(({ policy }) => policy),
        ["supported-image"],
        JSON.stringify(said, undefined, 1),
      );
      const cannot = new Set(said.filter(({ unknown }) => unknown).map(({ policy }) => policy));
      for (const policy of ["bucket-tls-only", "completion-topics", "topic-encrypted", "no-wildcards"]) {
        assert.ok(cannot.has(policy), policy);
      }
    });
  }

  it("has a break for every policy, and breaks at least 300 stacks", () => {
    assert.deepEqual([...new Set(breaks.map(({ policy }) => policy))].sort(), policies.map(({ name }) => name).sort());
    assert.ok(breaks.length * runs >= 300, String(breaks.length * runs));
  });

  for (const { policy, what, by } of breaks) {
    it(`reports by ${policy}: ${what}`, async () => {
      const stacks = policy === "data-protected" ? (["prod"] as const) : stackNames;
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...stacks), by, async (stack, breakIt) => {
          const broken = new BrokenStack(unbroken.get(stack)!);
          const named = breakIt(broken);
          const said = await reports(policies, broken.resources);
          const own = said.filter((each) => each.policy === policy && !each.unknown && each.urn === urnOf(named));
          assert.ok(own.length > 0, `not reported; said: ${JSON.stringify(said)}`);
          assert.ok(own.some(({ message }) => message.includes(`'${named.name}'`) || message.includes("no price")));
        }),
        { seed: 20_261_122, numRuns: runs },
      );
    });
  }
});
