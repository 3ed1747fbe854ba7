/** Lints GitHub workflows, without the network: `npm run lint:workflows [-- FOLDER]`, where FOLDER has a .github. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { actionlintRoot, lint, repoRoot } from "./paths.mjs";

const folder = resolve(process.argv[2] ?? repoRoot);
const github = join(folder, ".github");
const workflows = readdirSync(join(github, "workflows")).map((name) => join(github, "workflows", name));

/** Runs one linter, its words going where this program's go. Returns whether it found nothing. */
function passes(/** @type {string} */ program, /** @type {readonly string[]} */ args) {
  const { status, error } = spawnSync(program, args, { cwd: folder, stdio: "inherit" });
  if (error !== undefined) {
    process.stderr.write(`${program} did not start (${error.message}): run "node tools/setup.mjs" first.\n`);
  }
  return status === 0;
}

const verdicts = [
  // Whether the machine has shellcheck or pyflakes must not matter: steps are one command each.
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
