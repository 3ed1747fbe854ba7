/** Runs the doctor for the stack local, with and without the emulator. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { awsEnvironment, pulumiEnvironment } from "../../ops/deployment/deployment.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { run } from "../../ops/testing/commands.ts";
import { sharedTestEnvironment } from "../testing/environment.ts";
import type { Finding } from "../../ops/doctor/finding.ts";

describe("the doctor on the emulator", () => {
  let paths: StatePaths;
  let aws: RunningEmulator;

  before(async () => {
    ({ paths, aws } = await sharedTestEnvironment());
  });

  /** Runs the doctor; returns its exit status and its findings by check. */
  async function examine(env: NodeJS.ProcessEnv): Promise<{ status: number | null; findings: Map<string, Finding> }> {
    const { status, stdout, stderr } = await run(["ops/main.ts", "doctor", "--stack", "local", "--json"], env).finished;
    assert.notEqual(stdout, "", stderr);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    return { status, findings: new Map(findings.map((finding) => [finding.check, finding])) };
  }

  it("finds no problem with the stack local, which has no quotas and no prices", async () => {
    const { status, findings } = await examine({ ...awsEnvironment(aws), ...pulumiEnvironment(aws, paths) });
    assert.equal(status, 0, JSON.stringify([...findings.values()], undefined, 1));
    for (const [check, { status: found, what }] of findings) {
      assert.equal(found, "ok", `${check}: ${what}`);
    }
    assert.match(findings.get("account")?.what ?? "", /^000000000000 /);
    assert.match(findings.get("quota")?.what ?? "", /^none: the emulator has no quotas/);
    assert.match(findings.get("price")?.what ?? "", /^no cost/);
  });

  it("reports a problem with a remedy without the emulator", async () => {
    const unreachable = {
      ...awsEnvironment(aws),
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      PULUMI_BACKEND_URL: "file:///none",
    };
    const { status, findings } = await examine(unreachable);
    assert.equal(status, 1);
    assert.match(findings.get("account")?.remedy ?? "", /local:up/);
    assert.equal(findings.get("state")?.status, "problem");
  });
});
