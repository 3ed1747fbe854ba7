/** README.md and the policy pack's config have the unlimited actions that the program has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { page, packConfig, withReasons, withTable } from "./tables.ts";

describe("the list of unlimited actions", () => {
  it("is the table in README.md", () => {
    const text = readFileSync(page, "utf8");
    assert.equal(text, withTable(text), "run npm run docs");
  });

  it("gives the policy pack its reasons", () => {
    const config: unknown = JSON.parse(readFileSync(packConfig, "utf8"));
    assert.deepEqual(config, withReasons(config), "run npm run docs");
  });

  it("is written only into a page that has a place for it", () => {
    assert.throws(() => withTable("# A page\n"), /has no lines "<!-- unlimited actions/);
  });
});
