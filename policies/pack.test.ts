/** Tests that the pack contains every policy, and that every policy has tests. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { policies } from "./pack.ts";
import type { PackPolicy } from "./pack.ts";

const names = policies.map(({ name }) => name).sort();

/** Imports the modules of this folder by their names. Creating the pack would start its server. */
async function modules(wanted: RegExp): Promise<object[]> {
  const files = readdirSync(import.meta.dirname).filter((file) => wanted.test(file) && file !== "index.ts");
  return Promise.all(files.map((file) => import(join(import.meta.dirname, file)) as Promise<object>));
}

function isPolicy(value: unknown): value is PackPolicy {
  return typeof value === "object" && value !== null && "name" in value && "enforcementLevel" in value;
}

/**
 * Names of the policies with tests, each as often as its tests are declared. Another process imports the test files: in this one their tests
 * would be declared a second time, or, in a process that runs several files, in the wrong place.
 */
function testedPolicies(): unknown {
  const cases = join(import.meta.dirname, "testing", "policy-tests.ts");
  // These three declare no tests of policies.
  const files = readdirSync(import.meta.dirname).filter((file) =>
    /^(?!pack|program|table)[a-z-]+\.test\.ts$/.test(file),
  );
  const program = `import Mocha from "mocha";
const mocha = new Mocha();
// Mocha's describe collects suites from here on; none runs.
mocha.suite.emit("pre-require", {}, "", mocha);
for (const file of ${JSON.stringify(files.map((file) => join(import.meta.dirname, file)))}) await import(file);
const { tested } = await import(${JSON.stringify(cases)});
console.log(JSON.stringify(tested.map(({ name }) => name)));`;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" }));
}

describe("the pack", () => {
  it("lists every policy that its files export, so that none is forgotten or dropped", async () => {
    const exported = (await modules(/^[a-z-]+\.ts$/))
      .flatMap((module): unknown[] => Object.values(module))
      .filter(isPolicy);
    assert.deepEqual([...new Set(exported.map(({ name }) => name))].sort(), names);
  });

  it("has tests of each policy for accepted, refused and unknown values", () => {
    const tested = z.array(z.string()).parse(testedPolicies());
    assert.deepEqual([...new Set(tested)].sort(), names);
  });
});
