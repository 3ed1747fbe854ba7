/** Previews the template of pull requests' stacks with the real engine, without an account. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "mocha";
import { run } from "../../ops/testing/commands.ts";

describe("the template of pull requests' stacks", () => {
  it("passes the policy pack", async () => {
    const template = join(import.meta.dirname, "..", "..", "Pulumi.pr.yaml");
    const args = ["ops/main.ts", "preview", "--stack", "dev", "--config-file", template, "--json"];
    const { status, stdout, stderr } = await run(args).finished;
    assert.equal(status, 0, stderr);
    assert.match(stdout, /"changes":\{"create":\d+\}/);
  });
});
