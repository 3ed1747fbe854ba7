/** Gets actionlint, the linter of GitHub workflows, of one version: from the PATH, else the official release, else built from source. */
import { join } from "node:path";
import { findOnPath, run } from "./commands.mjs";
import { SetupError } from "./errors.mjs";
import { installOnce, isComplete } from "./install.mjs";
import { downloadRelease, inTurn, linkFromPath } from "./release.mjs";

/** The package that the module in tools/actionlint pins. */
const PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint";

/**
 * Where actionlint goes, and what it is made of.
 * @typedef {object} Actionlint
 * @property {string} version
 * @property {string} root the folder that gets the executable
 * @property {string} cacheRoot
 * @property {string} module the folder of the Go module that pins the source, and of the releases' checksums.txt
 */

/** @typedef {import("./install.mjs").StepContext} StepContext */

/**
 * The step that gets actionlint.
 * @param {Actionlint} actionlint
 * @returns {import("./steps.mjs").Step}
 */
export function actionlintProgram(actionlint) {
  const { version, root, cacheRoot } = actionlint;
  const installation = { root, files: ["actionlint"] };
  const wanted = { name: "actionlint", args: ["-version"], says: version };
  return {
    name: "actionlint",
    title: `actionlint ${version}`,
    isReady: () => isComplete(installation),
    install: (context) =>
      installOnce(installation, context, (folder) =>
        inTurn(
          [
            { name: "one on the PATH", use: () => linkFromPath(wanted, cacheRoot, context, folder) },
            { name: "the official release", use: () => download(actionlint, context, folder) },
            { name: "a build from source", use: () => build(actionlint, context, folder) },
          ],
          {
            what: `actionlint ${version}`,
            remedy:
              `Install actionlint ${version} (https://github.com/rhysd/actionlint/releases) or Go 1.25 or newer (https://go.dev/dl/), ` +
              "see that this machine reaches the network, and run the command again.",
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
  // Names of Go's platforms.
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const release = {
    places: [`https://github.com/rhysd/actionlint/releases/download/v${version}`],
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
