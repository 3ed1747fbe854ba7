/** Tests that docs/configuration.md contains the program's settings and outputs. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { describeSettings } from "./config.ts";
import { page, withTables } from "./configuration-tables.ts";

describe("docs/configuration.md", () => {
  const text = readFileSync(page, "utf8");

  it("has the program's settings and outputs", () => {
    assert.equal(text, withTables(text), "run npm run docs");
  });

  it("gets its tables only if it has the marks of the tables", () => {
    assert.throws(() => withTables("# A page\n"), /has no lines "<!-- settings/);
  });
});

describe("every setting", () => {
  it("has a description and its valid values", () => {
    for (const { key, allowed, meaning } of describeSettings()) {
      assert.match(meaning, /^[A-Z].+\.$/, key);
      assert.notEqual(allowed, "", key);
    }
  });

  it("has its default, except if it is required, off by default, or follows from other settings", () => {
    const without = describeSettings().filter(({ defaultValue }) => defaultValue === undefined);
    assert.deepEqual(
      without.map(({ key }) => key),
      [
        "modelArtifact",
        "inferenceAmi",
        "requireGpu",
        "warmWindow",
        "requests",
        "callerAccountId",
        "permissionsBoundary",
        "encryptionKeyArn",
      ],
    );
  });
});
