/** The pack has every policy that there is, and every policy has its cases. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type PackPolicy, policies } from "./pack.ts";
import { tested } from "./testing/cases.ts";

const names = policies.map(({ name }) => name).sort();

/** The modules of this folder, imported, by their names. Making the pack would start its server. */
async function modules(wanted: RegExp): Promise<object[]> {
  const files = readdirSync(import.meta.dirname).filter((file) => wanted.test(file) && file !== "index.ts");
  return Promise.all(files.map((file) => import(join(import.meta.dirname, file)) as Promise<object>));
}

function isPolicy(value: unknown): value is PackPolicy {
  return typeof value === "object" && value !== null && "name" in value && "enforcementLevel" in value;
}

// Declares the cases, whichever file mocha was asked for; these three have none.
await modules(/^(?!pack|program|table)[a-z-]+\.test\.ts$/);

describe("the pack", () => {
  it("lists every policy that its files export, so that none is forgotten or dropped", async () => {
    const exported = (await modules(/^[a-z-]+\.ts$/))
      .flatMap((module): unknown[] => Object.values(module))
      .filter(isPolicy);
    assert.deepEqual([...new Set(exported.map(({ name }) => name))].sort(), names);
  });

  it("has, of every policy, what passes, what is refused, and what is not known yet", () => {
    assert.deepEqual([...new Set(tested.map(({ name }) => name))].sort(), names);
  });
});
