/** Installs one version of the Pulumi CLI: from the PATH, the official release, or a build from source. */
import { existsSync } from "node:fs";
import { chmod, cp, link, mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { installOnce, isComplete } from "./install.mjs";
import { installProgram } from "./release.mjs";

/** The Go package of the CLI, which the module in tools/pulumi pins. */
const goPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";

/** The build tags of Pulumi's release build. */
const tags = "osusergo,grpcnotrace";

const languageHostProgram = "pulumi-language-nodejs";

/**
 * Version, folders and sources of the CLI.
 * @typedef {object} Pulumi
 * @property {string} version
 * @property {string} root the folder whose `bin` has the CLI and the language host
 * @property {string} build the folder of a downloaded or built CLI
 * @property {string} cacheRoot
 * @property {string} module the folder with the Go module that pins the CLI's source, and with the releases' checksums.txt
 * @property {string} languageHost the source file of this project's language host
 */

/** @typedef {import("./install.mjs").StepContext} StepContext */

/**
 * Returns the step that installs the CLI.
 * @param {Pulumi} pulumi
 * @returns {import("./steps.mjs").Step}
 */
export function pulumiCli(pulumi) {
  const installation = { root: pulumi.root, files: ["bin/pulumi", `bin/${languageHostProgram}`] };
  return {
    name: "pulumi",
    title: `Pulumi CLI ${pulumi.version}`,
    isReady: () => isComplete(installation),
    install: (context) =>
      installOnce(installation, context, async (folder) => {
        await mkdir(join(folder, "bin"));
        await installCli(pulumi, context, join(folder, "bin"));
        await installLanguageHost(pulumi, context, folder);
      }),
  };
}

/**
 * Installs the CLI. A download or a build is in a separate folder and linked, so that a new language host does not require a new one.
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} bin
 * @throws {import("./errors.mjs").SetupError} with all reasons if none of the three sources works
 */
async function installCli(pulumi, context, bin) {
  const { version, module } = pulumi;
  /** @type {import("./release.mjs").Program} */
  const program = {
    name: "pulumi",
    args: ["version"],
    output: `v${version}`,
    title: `the Pulumi CLI ${version}`,
    releases: `Pulumi ${version} (https://www.pulumi.com/docs/install/versions/)`,
    release: {
      urls: ["https://get.pulumi.com/releases/sdk", `https://github.com/pulumi/pulumi/releases/download/v${version}`],
      archive: `pulumi-v${version}-${process.platform}-${process.arch}.tar.gz`,
      checksums: join(module, "checksums.txt"),
      unpack: ["--strip-components=1"],
    },
    build: (go, folder) => build(version, go, context, folder),
  };
  await installProgram(program, pulumi, context, bin, async (install) => {
    await installOnce({ root: pulumi.build, files: ["pulumi"] }, context, install);
    for (const name of ["pulumi", languageHostProgram]) {
      // Hard links, because the engine searches plugins in the folder of its executable.
      if (existsSync(join(pulumi.build, name))) await link(join(pulumi.build, name), join(bin, name));
    }
  });
}

/**
 * @param {string} version
 * @param {import("./release.mjs").Go} go
 * @param {StepContext} context
 * @param {string} folder
 */
async function build(version, go, context, folder) {
  let downloaded = 0;
  const dependencies = await go(["list", "-deps", "-tags", tags, goPackage], (line) => {
    if (line.startsWith("go: downloading")) context.report(`downloading the source, ${++downloaded} modules`);
  });
  const total = dependencies.split("\n").length;
  let compiled = 0;
  context.report("building from source");
  const flags = `-w -s -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
  // -v prints each package that is compiled, but not those in Go's cache.
  const args = ["build", "-v", "-trimpath", "-tags", tags, "-ldflags", flags, "-o", join(folder, "pulumi"), goPackage];
  await go(args, () => {
    context.report(`building from source, ${++compiled} of up to ${total} packages`);
  });
}

/**
 * Adds a language host next to the CLI: the CLI's, or this project's if that is missing.
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} folder
 */
async function installLanguageHost({ languageHost }, context, folder) {
  const host = join(folder, "bin", languageHostProgram);
  if (existsSync(host)) return;
  const officialHost = join(dirname(await realpath(join(folder, "bin", "pulumi"))), languageHostProgram);
  if (existsSync(officialHost)) {
    await symlink(officialHost, host);
    return;
  }
  context.report("adding the language host");
  await mkdir(join(folder, "lib"));
  await cp(languageHost, join(folder, "lib", "language-host.mjs"));
  await writeFile(host, '#!/bin/sh\nexec node "$(dirname "$0")/../lib/language-host.mjs" "$@"\n');
  await chmod(host, 0o755);
}
