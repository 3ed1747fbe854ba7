/** docs/configuration.md describes the settings and outputs of the program. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describeSettings } from "./config.ts";
import { page, withTables } from "./tables.ts";

describe("docs/configuration.md", () => {
  const text = readFileSync(page, "utf8");

  it("has the settings and outputs that the program has", () => {
    assert.equal(text, withTables(text), "run npm run docs");
  });

  it("gets its tables only where it has a place for them", () => {
    assert.throws(() => withTables("# A page\n"), /has no lines "<!-- settings/);
  });
});

describe("every setting", () => {
  it("says what it means and what it may be", () => {
    for (const { key, allowed, meaning } of describeSettings()) {
      assert.match(meaning, /^[A-Z].+\.$/, key);
      assert.notEqual(allowed, "", key);
    }
  });

  it("has its default, but for what must be set, what is off, and what follows from other settings", () => {
    const without = describeSettings().filter(({ defaultValue }) => defaultValue === undefined);
    assert.deepEqual(
      without.map(({ key }) => key),
      ["modelArtifact", "inferenceAmi", "requireGpu", "callerAccountId", "permissionsBoundary", "encryptionKeyArn"],
    );
  });
});
