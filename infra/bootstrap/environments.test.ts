/** Tests which environments may share an account. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { environments, environmentsNamed, namePrefix, sharedAccountWarning } from "./environments.ts";
import { named } from "./scope.ts";

const { dev, production, ephemeral } = environments;

/** Returns the environments dev and ephemeral, with these names of stacks, in one account. */
function withStacks(stack: string, other: string) {
  const known = { ...environments, dev: { ...dev, stack }, ephemeral: { ...ephemeral, stack: other } };
  return environmentsNamed(["dev", "ephemeral"], known);
}

describe("environments in one account", () => {
  it("have resource names with different prefixes", () => {
    assert.deepEqual([dev, production, ephemeral].map(namePrefix), ["video-dev-", "video-prod-", "video-pr-"]);
    assert.deepEqual(environmentsNamed(["dev", "production", "ephemeral"]), [dev, production, ephemeral]);
  });

  it("have patterns that match only names of one kind", () => {
    assert.equal(named(dev, "input"), "video-dev-input-*");
    assert.equal(named(ephemeral, "input"), "video-pr-*-input-*");
  });

  for (const [stack, other] of [
    ["dev", "dev-2"],
    ["dev-2", "dev"],
    ["dev", "dev"],
    ["pr-7", "pr-*"],
    ["pr", "pr-*"],
    ["p", "p-r-*"],
  ] as const) {
    it(`are refused if their stacks are ${stack} and ${other}`, () => {
      assert.throws(
        () => withStacks(stack, other),
        /cannot share an account: "video-[a-z-]+-\*" matches names of both.*Rename one of the stacks/,
      );
    });
  }

  for (const [stack, other] of [
    ["dev", "development"],
    ["prod", "pr-*"],
  ] as const) {
    it(`are accepted if their stacks are ${stack} and ${other}`, () => {
      assert.equal(withStacks(stack, other).length, 2);
    });
  }

  it("cause a warning if one of them is production", () => {
    assert.match(sharedAccountWarning([dev, production, ephemeral]) ?? "", /^production shares .* dev and ephemeral\./);
    assert.match(sharedAccountWarning([production, ephemeral]) ?? "", /^production shares .* ephemeral\./);
    assert.equal(sharedAccountWarning([production]), undefined);
    assert.equal(sharedAccountWarning([dev, ephemeral]), undefined);
  });
});
