/** Tests that README.md and the policy pack's config contain the program's unlimited actions. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { page, packConfig, withReasons, withTable } from "./unlimited-actions-table.ts";

describe("the list of unlimited actions", () => {
  it("is the table in README.md", () => {
    const text = readFileSync(page, "utf8");
    assert.equal(text, withTable(text), "run npm run docs");
  });

  it("matches the reasons in the policy pack's config", () => {
    const config: unknown = JSON.parse(readFileSync(packConfig, "utf8"));
    assert.deepEqual(config, withReasons(config), "run npm run docs");
  });

  it("is written only into a page with the marks of the table", () => {
    assert.throws(() => withTable("# A page\n"), /has no lines "<!-- unlimited actions/);
  });
});
