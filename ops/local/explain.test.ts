/** Tests which questions `explain` refuses before it looks for a stack. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { runCommandLine } from "../../lib/command-line.ts";
import { explainCommand } from "./explain.ts";

async function explain(action: string, resource: string) {
  let stderr = "";
  const status = await runCommandLine(
    explainCommand,
    ["--role", "caller", "--action", action, "--resource", resource],
    {
      stdin: process.stdin,
      stdout: { write: () => undefined },
      stderr: { write: (text) => (stderr += text) },
      environment: {},
      signal: new AbortController().signal,
    },
  );
  return { status, stderr };
}

describe("explain", () => {
  for (const action of ["PutObject", "s3:putObject", "s3:Put*"]) {
    it(`refuses ${action} as an action`, async () => {
      const { status, stderr } = await explain(action, "*");
      assert.equal(status, 2);
      assert.ok(stderr.startsWith(`error: '${action}' is no action.`), stderr);
    });
  }

  for (const resource of ["video-local-input", "s3://bucket/key", "arn:aws:s3"]) {
    it(`refuses ${resource} as a resource`, async () => {
      const { status, stderr } = await explain("s3:PutObject", resource);
      assert.equal(status, 2);
      assert.ok(stderr.startsWith(`error: '${resource}' is no ARN.`), stderr);
    });
  }
});
