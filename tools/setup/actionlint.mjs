/** Installs one version of actionlint, the linter for GitHub workflows: from the PATH, the official release, or a build from source. */
import { join } from "node:path";
import { installOnce, isComplete } from "./install.mjs";
import { installProgram } from "./release.mjs";

/** The Go package of actionlint, which the module in tools/actionlint pins. */
const goPackage = "github.com/rhysd/actionlint/cmd/actionlint";

/**
 * Version, folders and sources of actionlint.
 * @typedef {object} Actionlint
 * @property {string} version
 * @property {string} root the folder of the executable
 * @property {string} cacheRoot
 * @property {string} module the folder with the Go module that pins the source, and with the releases' checksums.txt
 */

/**
 * Returns the step that installs actionlint.
 * @param {Actionlint} actionlint
 * @returns {import("./steps.mjs").Step}
 */
export function actionlintProgram({ version, root, cacheRoot, module }) {
  const installation = { root, files: ["actionlint"] };
  // Go's name of the architecture.
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const flags = `-w -s -X github.com/rhysd/actionlint.version=${version}`;
  const title = `actionlint ${version}`;
  return {
    name: "actionlint",
    title,
    isReady: () => isComplete(installation),
    install: (context) =>
      installOnce(installation, context, (folder) => {
        /** @type {import("./release.mjs").Program} */
        const program = {
          name: "actionlint",
          args: ["-version"],
          output: version,
          title,
          releases: `${title} (https://github.com/rhysd/actionlint/releases)`,
          release: {
            urls: [`https://github.com/rhysd/actionlint/releases/download/v${version}`],
            archive: `actionlint_${version}_${process.platform}_${arch}.tar.gz`,
            checksums: join(module, "checksums.txt"),
            unpack: ["actionlint"],
          },
          build: async (go, target) => {
            context.report("building from source");
            await go(["build", "-trimpath", "-ldflags", flags, "-o", join(target, "actionlint"), goPackage]);
          },
        };
        return installProgram(program, { cacheRoot, module }, context, folder);
      }),
  };
}
