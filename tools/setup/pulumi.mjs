/** Gets the Pulumi CLI of one version: from the PATH, else the official release, else built from source. */
import { existsSync } from "node:fs";
import { chmod, cp, link, mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findOnPath, run } from "./commands.mjs";
import { SetupError } from "./errors.mjs";
import { installOnce, isComplete } from "./install.mjs";
import { downloadRelease, inTurn, linkFromPath } from "./release.mjs";

/** The package that the module in tools/pulumi pins. */
const PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";

/** Those of Pulumi's own release build. */
const TAGS = "osusergo,grpcnotrace";

const LANGUAGE_HOST = "pulumi-language-nodejs";

/**
 * Where the CLI goes, and what it is made of.
 * @typedef {object} Pulumi
 * @property {string} version
 * @property {string} root the folder whose `bin` has the CLI and the language host
 * @property {string} build the folder that keeps a CLI that was downloaded or built
 * @property {string} cacheRoot
 * @property {string} module the folder of the Go module that pins the CLI's source, and of the releases' checksums.txt
 * @property {string} languageHost the source of the language host of our own
 */

/** @typedef {import("./install.mjs").StepContext} StepContext */

/**
 * The step that gets the CLI.
 * @param {Pulumi} pulumi
 * @returns {import("./steps.mjs").Step}
 */
export function pulumiCli(pulumi) {
  const installation = { root: pulumi.root, files: ["bin/pulumi", `bin/${LANGUAGE_HOST}`] };
  return {
    name: "pulumi",
    title: `Pulumi CLI ${pulumi.version}`,
    isReady: () => isComplete(installation),
    install: (context) =>
      installOnce(installation, context, async (folder) => {
        await mkdir(join(folder, "bin"));
        await obtainCli(pulumi, context, join(folder, "bin"));
        await obtainLanguageHost(pulumi, context, folder);
      }),
  };
}

/**
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} bin
 * @throws {SetupError} if none of the three ways works, with the reason of each
 */
async function obtainCli(pulumi, context, bin) {
  const { version } = pulumi;
  const wanted = { name: "pulumi", args: ["version"], says: `v${version}` };
  await inTurn(
    [
      { name: "one on the PATH", use: () => linkFromPath(wanted, pulumi.cacheRoot, context, bin) },
      { name: "the official release", use: () => linkFromBuild(pulumi, context, bin, download) },
      { name: "a build from source", use: () => linkFromBuild(pulumi, context, bin, build) },
    ],
    {
      what: `the Pulumi CLI ${version}`,
      remedy:
        `Install Pulumi ${version} (https://www.pulumi.com/docs/install/versions/) or Go 1.25 or newer (https://go.dev/dl/), ` +
        "see that this machine reaches the network, and run the command again.",
    },
  );
}

/**
 * Links a CLI that is kept in a folder of its own, so that a new language host does not cost a new build.
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} bin
 * @param {(pulumi: Pulumi, context: StepContext, folder: string) => Promise<void>} make puts `pulumi` into the folder
 */
async function linkFromBuild(pulumi, context, bin, make) {
  await installOnce({ root: pulumi.build, files: ["pulumi"] }, context, (folder) => make(pulumi, context, folder));
  for (const name of ["pulumi", LANGUAGE_HOST]) {
    // Hard links: the engine looks for plugins beside the file that it was started as.
    if (existsSync(join(pulumi.build, name))) await link(join(pulumi.build, name), join(bin, name));
  }
}

/**
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} folder
 */
async function download({ version, module }, context, folder) {
  const release = {
    places: ["https://get.pulumi.com/releases/sdk", `https://github.com/pulumi/pulumi/releases/download/v${version}`],
    archive: `pulumi-v${version}-${process.platform}-${process.arch}.tar.gz`,
    checksums: join(module, "checksums.txt"),
    unpack: ["--strip-components=1"],
  };
  await downloadRelease(release, context, folder);
}

/**
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} folder
 */
async function build({ version, module }, context, folder) {
  if (findOnPath("go", context.env["PATH"]).length === 0) throw new SetupError("Go is not on the PATH.");
  const options = { ...context, cwd: module, env: { ...context.env, GOWORK: "off" } };
  let downloaded = 0;
  const dependencies = await run("go", ["list", "-deps", "-tags", TAGS, PACKAGE], {
    ...options,
    onLine: (line) => {
      if (line.startsWith("go: downloading")) context.report(`downloading the source, ${++downloaded} modules`);
    },
  });
  const total = dependencies.split("\n").length;
  let compiled = 0;
  context.report("building from source");
  const flags = `-w -s -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
  // -v names each package as it is compiled; those in Go's cache are not named.
  const args = ["build", "-v", "-trimpath", "-tags", TAGS, "-ldflags", flags, "-o", join(folder, "pulumi"), PACKAGE];
  await run("go", args, {
    ...options,
    onLine: () => {
      context.report(`building from source, ${++compiled} of at most ${total} packages`);
    },
  });
}

/**
 * Sees to it that a language host stands beside the CLI: the one that came with it, else our own.
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} folder
 */
async function obtainLanguageHost({ languageHost }, context, folder) {
  const host = join(folder, "bin", LANGUAGE_HOST);
  if (existsSync(host)) return;
  const besideCli = join(dirname(await realpath(join(folder, "bin", "pulumi"))), LANGUAGE_HOST);
  if (existsSync(besideCli)) {
    await symlink(besideCli, host);
    return;
  }
  context.report("adding the language host");
  await mkdir(join(folder, "lib"));
  await cp(languageHost, join(folder, "lib", "language-host.mjs"));
  await writeFile(host, '#!/bin/sh\nexec node "$(dirname "$0")/../lib/language-host.mjs" "$@"\n');
  await chmod(host, 0o755);
}
