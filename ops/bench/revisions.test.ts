import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { InvalidInputError } from "../../lib/errors.ts";
import { bench } from "./revisions.ts";

describe("the measurement of npm start", () => {
  const { signal } = new AbortController();
  let folder: string;
  let root: string;
  let text: string;

  const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const log = (more: string): void => {
    text += more;
  };
  const setUps = async () => (await readFile(join(folder, "set-up"), "utf8")).trim().split("\n");
  const starts = async () => (await readFile(join(folder, "started"), "utf8")).trim().split("\n");

  /** Commits a program for `npm start` that needs the setup, and then runs `work`. */
  async function commit(step: string, work = ""): Promise<void> {
    const record = (name: string) => `appendFileSync(${JSON.stringify(join(folder, name))}, \`\${process.cwd()}\\n\`);`;
    const fs = 'import { appendFileSync, existsSync, writeFileSync } from "node:fs";';
    await writeFile(join(root, "package.json"), JSON.stringify({ scripts: { start: "node start.mjs" } }));
    await writeFile(join(root, "tools", "setup.mjs"), `${fs} ${record("set-up")} writeFileSync("ready", "");`);
    await writeFile(
      join(root, "start.mjs"),
      `${fs} ${record("started")} if (!existsSync("ready")) throw new Error("not set up");
       console.error("… ${step}"); console.error("✓ ${step} (0.1 s)"); ${work}`,
    );
    git("add", ".");
    git("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--message", step);
  }

  beforeEach(async () => {
    text = "";
    folder = await realpath(await mkdtemp(join(tmpdir(), "measured-")));
    root = join(folder, "clone");
    await mkdir(join(root, "tools"), { recursive: true });
    git("init", "--quiet");
    await writeFile(join(root, ".gitignore"), "ready\n");
    await commit("Old step");
  });

  afterEach(() => rm(folder, { recursive: true }));

  it("sets the clone up once, and splits its runs into their steps", async () => {
    const figures = await bench({ root, runs: 2, against: undefined, signal, log });
    assert.deepEqual(await setUps(), [root]);
    assert.deepEqual(await starts(), [root, root]);
    assert.equal(figures.runs, 2);
    assert.deepEqual(
      figures.steps.map(({ name }) => name),
      ["Loading the command", "Old step", "Ending the command"],
    );
    assert.ok(figures.seconds > 0 && figures.cpu_seconds > 0);
    assert.equal("against" in figures, false);
  });

  it("sets another revision up in a temporary clone, alternates its runs, and compares", async () => {
    const old = git("rev-parse", "HEAD");
    await commit("New step");
    const figures = await bench({ root, runs: 2, against: "HEAD~1", signal, log });
    assert.ok("against" in figures);
    const [first = "", ...others] = await starts();
    assert.notEqual(first, root);
    assert.deepEqual(others, [root, first, root]);
    assert.deepEqual(await setUps(), [first, root]);
    assert.equal(figures.against.revision, old);
    const names = (steps: readonly { readonly name: string }[]) => steps.map(({ name }) => name).slice(1, -1);
    assert.deepEqual([names(figures.against.steps), names(figures.steps)], [["Old step"], ["New step"]]);
    assert.ok(figures.ratio > 0 && figures.cpu_ratio > 0);
    assert.match(text, /^run 1 of 2 of HEAD~1: .*\nrun 1 of 2: .*\nrun 2 of 2 of HEAD~1: .*\nrun 2 of 2: .*\n$/);
    await assert.rejects(readdir(first), { code: "ENOENT" });
  });

  it("ends with the output of a run that fails, and removes the temporary clone", async () => {
    await commit("New step", 'throw new Error("no video");');
    await assert.rejects(bench({ root, runs: 1, against: "HEAD~1", signal, log }), (error: Error) => {
      assert.equal(error.name, "BenchError");
      assert.ok(error.message.startsWith(`npm start -- --json --port `), error.message);
      assert.match(error.message, / in \S+ ended with exit status 1:\n[^]*no video/);
      return true;
    });
    const [old = ""] = await starts();
    await assert.rejects(readdir(old), { code: "ENOENT" });
  });

  it("runs nothing for a revision that the clone lacks", async () => {
    await assert.rejects(bench({ root, runs: 1, against: "none", signal, log }), InvalidInputError);
    await assert.rejects(setUps(), { code: "ENOENT" });
  });
});
