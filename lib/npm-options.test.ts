import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, it } from "mocha";
import { createCommand } from "./command-line.ts";
import { checkNpmOptions } from "./npm-options.ts";

const run = promisify(execFile);
const cli = join(import.meta.dirname, "..", "ops", "main.ts");

describe("options that npm took for itself", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "npm-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const program = () => {
    const submit = createCommand("submit", "sends")
      .option("--dry-run", "x")
      .option("--json", "x")
      .option("--yes", "x")
      .option("--to <folder>", "x")
      .option("--prefix <p>", "x");
    return createCommand("tool", "works").addCommand(submit);
  };
  const check = (args: readonly string[], environment: NodeJS.ProcessEnv): void => {
    checkNpmOptions(program(), ["submit", ...args], { npm_config_local_prefix: folder, ...environment });
  };

  it("are refused, with the command line that works", () => {
    const environment = { npm_lifecycle_event: "submit", npm_config_dry_run: "true", npm_config_json: "true" };
    assert.throws(() => {
      check(["a.mp4"], environment);
    }, /^UsageError: npm took --dry-run, --json for itself\. Put -- before the options: npm run submit -- --dry-run --json …/);
  });

  it("are recognised under npm's long name", () => {
    assert.throws(() => {
      check([], { npm_lifecycle_event: "start", npm_config_token_description: "out" });
    }, /npm took --to for itself\. Put -- before the options: npm start -- --to …/);
  });

  for (const [what, args, environment] of [
    ["without npm", [], { npm_config_dry_run: "true" }],
    ["if they are on the command line, too", ["--dry-run"], { npm_lifecycle_event: "x", npm_config_dry_run: "true" }],
    ["that another command has", [], { npm_lifecycle_event: "x", npm_config_wait: "true" }],
    ["that npm always sets", [], { npm_lifecycle_event: "x", npm_config_prefix: "/usr" }],
  ] as const) {
    it(`are not found ${what}`, () => {
      check(args, environment);
    });
  }

  it("are npm's if .npmrc has them, except --dry-run", async () => {
    await writeFile(join(folder, ".npmrc"), "yes=true\ndry-run = true\n");
    check([], { npm_lifecycle_event: "submit", npm_config_yes: "true" });
    assert.throws(() => {
      check([], { npm_lifecycle_event: "submit", npm_config_dry_run: "true" });
    }, /npm took --dry-run/);
  });

  it("are refused in a script that npm runs", async () => {
    const scripts = { submit: `"${process.execPath}" "${cli}" submit` };
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "t", version: "1.0.0", scripts }));
    const npm = async (...args: readonly string[]) =>
      await run("npm", ["run", "submit", ...args], { cwd: folder }).then(
        () => ({ code: 0, stderr: "" }),
        (error: unknown) => error as { readonly code: number; readonly stderr: string },
      );
    for (const option of ["--dry-run", "--wait", "--json"]) {
      const { code, stderr } = await npm("a.mp4", option, "--outputs=none.json");
      assert.equal(code, 2, stderr);
      assert.match(stderr, new RegExp(`error: npm took .*${option}.* for itself\\. Put -- before the options`));
    }
    const { code, stderr } = await npm("--", "a.mp4", "--dry-run", "--outputs", "none.json");
    assert.equal(code, 2);
    assert.match(stderr, /Cannot read none\.json/);
  }).timeout(60_000);
});
