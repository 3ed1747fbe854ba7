import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { repoRoot } from "./paths.mjs";

const checkout = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";

describe("the workflow lint", () => {
  let folder: string;
  let good: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "workflows-"));
    await mkdir(join(folder, ".github", "workflows"), { recursive: true });
    good = await readFile(join(repoRoot, ".github", "workflows", "pull-request.yml"), "utf8");
  });

  after(() => rm(folder, { recursive: true }));

  async function lintOf(workflow: string): Promise<{ status: number | null; output: string }> {
    await writeFile(join(folder, ".github", "workflows", "pull-request.yml"), workflow);
    const script = join(repoRoot, "tools", "lint-workflows.mjs");
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
    return { status, output: `${stdout}${stderr}` };
  }

  it("passes this project's workflows", async () => {
    const { status, output } = await lintOf(good);
    assert.equal(status, 0, output);
  });

  for (const { problem, from, to, message } of [
    { problem: "an action by its tag", from: checkout, to: "actions/checkout@v7", message: /unpinned-uses/ },
    {
      problem: "a title put into a shell command",
      from: 'preview -- --stack "$STACK"',
      to: "preview -- --stack ${{ github.event.pull_request.title }}",
      message: /template-injection/,
    },
    {
      problem: "permissions for all",
      from: "permissions: {}",
      to: "permissions: write-all",
      message: /excessive-permissions/,
    },
    {
      problem: "credentials left in the clone",
      from: "persist-credentials: false",
      to: "fetch-depth: 1",
      message: /artipacked/,
    },
    {
      problem: "fork code with secrets",
      from: "  pull_request:\n",
      to: "  pull_request_target:\n",
      message: /dangerous-triggers/,
    },
    {
      problem: "a job that does not exist",
      from: "needs: preview\n",
      to: "needs: previews\n",
      message: /needs job "previews"/,
    },
    {
      problem: "an unknown property of a context",
      from: "${{ matrix.role }}",
      to: "${{ matrix.roll }}",
      message: /"roll"/,
    },
  ]) {
    it(`refuses ${problem}`, async () => {
      assert.ok(good.includes(from));
      const { status, output } = await lintOf(good.replace(from, to));
      assert.equal(status, 1);
      assert.match(output, message);
    });
  }
});
