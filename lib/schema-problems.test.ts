import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { z } from "zod";
import { schemaProblems } from "./schema-problems.ts";

const schema = z.object({ name: z.string(), jobs: z.array(z.object({ id: z.number() })), a: z.int(), b: z.int() });
const good = { name: "x", jobs: [{ id: 1 }], a: 1, b: 2 };

describe("the problems of a schema", () => {
  for (const [what, value, text] of [
    ["a missing member", { ...good, name: undefined }, "name is missing"],
    [
      "a member of another type, by its path",
      { ...good, jobs: [{ id: "x" }] },
      "jobs.0.id: expected number, received string",
    ],
    ["another value", null, "expected object, received null"],
    ["more than three members", {}, "name is missing; jobs is missing; a is missing, and 1 more"],
  ] as const) {
    it(`name ${what}`, () => {
      const { error } = schema.safeParse(value);
      assert.ok(error);
      assert.equal(schemaProblems(value, error), text);
    });
  }
});
