/** Tests that the policies' messages name the setting of each resource property that they tell the user to change. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { describeSettings } from "../../infra/config.ts";

const policies = join(import.meta.dirname, "..", "..", "policies");
const source = readdirSync(policies)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map((file) => readFileSync(join(policies, file), "utf8"))
  .join("\n");

describe("the messages of the policies", () => {
  it("name only settings that the program has", () => {
    const named = [...source.matchAll(/\(the stack's setting (\w+)\)/g)].map(([, name]) => name);
    const settings = describeSettings().map(({ key }) => key);
    assert.deepEqual(
      named.filter((name) => !settings.includes(name ?? "")),
      [],
    );
  });

  for (const [remedy, setting] of [
    ["Set ${at}.image to an image of a supported version", "image"],
    ["Set ${at} to a type of one of these families", "instanceType"],
    ["Set ${at}.inferenceAmiVersion to a machine image", "inferenceAmi"],
    ['Set ${at}.environment.${variable} to "1"', "requireGpu"],
    ["maxConcurrentInvocationsPerInstance to at most", "maxConcurrency"],
  ] as const) {
    it(`name the setting ${setting} next to the property that it sets`, () => {
      const message = source
        .split("`")
        .find((text) => text.replace(` (the stack's setting ${setting})`, "").includes(remedy));
      assert.ok(message?.includes(`(the stack's setting ${setting})`), message ?? remedy);
    });
  }
});
