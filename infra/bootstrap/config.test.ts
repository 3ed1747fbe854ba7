import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseConfig } from "./config.ts";

function parsed(values: Readonly<Record<string, string>>) {
  const full = Object.entries(values).map(([key, value]) => [`bootstrap:${key}`, value]);
  return parseConfig(Object.fromEntries(full) as Record<string, string>, "bootstrap");
}

const good = { repository: "team/videos" };

describe("the bootstrap's config", () => {
  it("requires only the repository", () => {
    assert.deepEqual(parsed(good), { ...good, environments: ["dev", "production", "ephemeral"], sourceBuckets: [] });
  });

  it("ignores other namespaces", () => {
    assert.equal(parseConfig({ "aws:region": "x", "bootstrap:repository": "a/b" }, "bootstrap").repository, "a/b");
  });

  for (const { what, values, says } of [
    { what: "no repository", values: {}, says: /bootstrap:repository .*Set it: pulumi config set repository VALUE/ },
    { what: "a repository's address", values: { repository: "https://github.com/a/b" }, says: /OWNER\/REPOSITORY/ },
    { what: "a pattern for a repository", values: { repository: "team/*" }, says: /OWNER\/REPOSITORY/ },
    { what: "one number of two", values: { ...good, ownerId: "1" }, says: /repositoryId must be given together/ },
    { what: "an unknown environment", values: { ...good, environments: '["staging"]' }, says: /environments/ },
    { what: "no environment", values: { ...good, environments: "[]" }, says: /environments/ },
    { what: "an environment that is no list", values: { ...good, environments: "dev" }, says: /must be a list/ },
    { what: "a source bucket's name", values: { ...good, sourceBuckets: '["videos"]' }, says: /sourceBuckets/ },
    {
      what: "a source bucket with an unknown key",
      values: { ...good, sourceBuckets: '[{"bucket":"videos","region":"eu-west-1"}]' },
      says: /bootstrap:sourceBuckets must be a list of source buckets/,
    },
    {
      what: "another identity provider",
      values: { ...good, identityProviderArn: "arn:aws:iam::1:x" },
      says: /identityProviderArn must be the ARN/,
    },
    {
      what: "an unknown setting",
      values: { ...good, repo: "x" },
      says: /bootstrap:repo is not a setting\. Remove it: pulumi config rm repo$/,
    },
  ]) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => parsed(values), says);
    });
  }
});
