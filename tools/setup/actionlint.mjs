/** Installs one version of actionlint, the linter for GitHub workflows: from the PATH, the official release, or a build from source. */
import { join } from "node:path";
import { findOnPath, run } from "./commands.mjs";
import { SetupError } from "./errors.mjs";
import { installOnce, isComplete } from "./install.mjs";
import { downloadRelease, installFirst, linkFromPath } from "./release.mjs";

/** The Go package of actionlint, which the module in tools/actionlint pins. */
const PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint";

/**
 * Version, folders and sources of actionlint.
 * @typedef {object} Actionlint
 * @property {string} version
 * @property {string} root the folder of the executable
 * @property {string} cacheRoot
 * @property {string} module the folder with the Go module that pins the source, and with the releases' checksums.txt
 */

/** @typedef {import("./install.mjs").StepContext} StepContext */

/**
 * Returns the step that installs actionlint.
 * @param {Actionlint} actionlint
 * @returns {import("./steps.mjs").Step}
 */
export function actionlintProgram(actionlint) {
  const { version, root, cacheRoot } = actionlint;
  const installation = { root, files: ["actionlint"] };
  const program = { name: "actionlint", args: ["-version"], output: version };
  return {
    name: "actionlint",
    title: `actionlint ${version}`,
    isReady: () => isComplete(installation),
    install: (context) =>
      installOnce(installation, context, (folder) =>
        installFirst(
          [
            { name: "a program on the PATH", use: () => linkFromPath(program, cacheRoot, context, folder) },
            { name: "the official release", use: () => download(actionlint, context, folder) },
            { name: "a build from source", use: () => build(actionlint, context, folder) },
          ],
          {
            target: `actionlint ${version}`,
            remedy:
              `Install actionlint ${version} (https://github.com/rhysd/actionlint/releases) or Go 1.25 or newer (https://go.dev/dl/), ` +
              "check this machine's network access, and run the command again.",
          },
        ),
      ),
  };
}

/**
 * @param {Actionlint} actionlint
 * @param {StepContext} context
 * @param {string} folder
 */
async function download({ version, module }, context, folder) {
  // Go's name of the architecture.
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const release = {
    urls: [`https://github.com/rhysd/actionlint/releases/download/v${version}`],
    archive: `actionlint_${version}_${process.platform}_${arch}.tar.gz`,
    checksums: join(module, "checksums.txt"),
    unpack: ["actionlint"],
  };
  await downloadRelease(release, context, folder);
}

/**
 * @param {Actionlint} actionlint
 * @param {StepContext} context
 * @param {string} folder
 */
async function build({ version, module }, context, folder) {
  if (findOnPath("go", context.env["PATH"]).length === 0) throw new SetupError("Go is not on the PATH.");
  context.report("building from source");
  const flags = `-w -s -X github.com/rhysd/actionlint.version=${version}`;
  await run("go", ["build", "-trimpath", "-ldflags", flags, "-o", join(folder, "actionlint"), PACKAGE], {
    ...context,
    cwd: module,
    env: { ...context.env, GOWORK: "off" },
  });
}
