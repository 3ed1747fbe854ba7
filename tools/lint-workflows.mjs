/** Lints the GitHub workflows in a folder's .github, without network access: `npm run lint:workflows [-- FOLDER]`. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { actionlintRoot, lint, repoRoot } from "./paths.mjs";

const folder = resolve(process.argv[2] ?? repoRoot);
const github = join(folder, ".github");
const workflows = readdirSync(join(github, "workflows")).map((name) => join(github, "workflows", name));

/** Runs a linter, which writes to this program's output; returns whether it found no problem. */
function passes(/** @type {string} */ program, /** @type {readonly string[]} */ args) {
  const { status, error } = spawnSync(program, args, { cwd: folder, stdio: "inherit" });
  if (error !== undefined) {
    process.stderr.write(`Cannot run ${program} (${error.message}). Run "node tools/setup.mjs" first.\n`);
  }
  return status === 0;
}

const verdicts = [
  // Off, so that the result does not depend on the machine's shellcheck and pyflakes. Each step is a single command.
  passes(join(actionlintRoot, "actionlint"), [
    ...["-shellcheck=", "-pyflakes=", "-config-file", join(repoRoot, ".github", "actionlint.yaml")],
    ...workflows,
  ]),
  passes(join(lint.root, "bin", "zizmor"), [
    ...["--offline", "--quiet", "--strict-collection", "--persona", "pedantic", "--no-progress"],
    github,
  ]),
];
process.exitCode = verdicts.every(Boolean) ? 0 : 1;
