/** Tests the notice of a workflow in a repository that is not bootstrapped. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, it } from "mocha";

describe("a workflow in a repository that is not bootstrapped", () => {
  it("passes with a notice that names the variables, and needs no package", async () => {
    const script = join(import.meta.dirname, "not-bootstrapped.ts");
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [script, "DEV_BACKEND_URL", "PROD_BACKEND_URL", "EPHEMERAL_BACKEND_URL"],
      { env: { GITHUB_WORKFLOW: "deploy", DEV_BACKEND_URL: "", PROD_BACKEND_URL: "s3://state/prod" }, timeout: 30_000 },
    );
    assert.match(
      stdout,
      /^::notice title=Not bootstrapped::The repository variables DEV_BACKEND_URL, EPHEMERAL_BACKEND_URL are not set, so deploy skips .*bootstrap\/README\.md.*\n$/,
    );
  });
});
