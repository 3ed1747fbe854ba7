import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { checkConfig, readConfig } from "./config.ts";
import { unknown } from "./values.ts";

const good = {
  region: "eu-west-1",
  allowedAccountIds: '["000000000000"]',
  defaultTags: '{"tags":{"Project":"video"}}',
  ignoreTags: '{"keys":["a"],"keyPrefixes":["b:"]}',
  version: "7.48.0",
};

describe("the provider's configuration", () => {
  it("consists of strings, with JSON for other values", () => {
    assert.deepEqual(checkConfig(good), []);
    assert.deepEqual(readConfig(good), {
      region: "eu-west-1",
      allowedAccountIds: ["000000000000"],
      forbiddenAccountIds: [],
      tags: { defaults: { Project: "video" }, ignoredKeys: ["a"], ignoredPrefixes: ["b:"] },
    });
  });

  it("refuses an unknown key by name, and lists the known ones", () => {
    const [failure] = checkConfig({ ...good, assumeRoles: "[]" });
    assert.equal(failure?.property, "assumeRoles");
    assert.match(failure.reason, /"aws:assumeRoles" is not a setting .*allowedAccountIds/);
  });

  it("refuses a key within JSON text by its path", () => {
    const [failure] = checkConfig({ ...good, ignoreTags: '{"key":["a"]}' });
    assert.match(failure?.reason ?? "", /"aws:ignoreTags\.key"/);
  });

  it("refuses text that is not JSON, and an invalid account", () => {
    assert.match(checkConfig({ ...good, defaultTags: "no" })[0]?.reason ?? "", /must be JSON text/);
    assert.match(checkConfig({ ...good, allowedAccountIds: '["1"]' })[0]?.reason ?? "", /12 digits/);
  });

  it("skips values that a preview does not know yet", () => {
    assert.deepEqual(checkConfig({ ...good, region: unknown }), []);
  });
});
