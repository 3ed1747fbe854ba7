/** Installs what a fresh machine lacks: Node packages, Python environments, the Pulumi CLI, linters. A second run has nothing to do. */
import { rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { makeWritable } from "./folders.mjs";
import {
  actionlintModule,
  actionlintRoot,
  actionlintVersion,
  cacheRoot,
  languageHost,
  lint,
  localFolder,
  ministack,
  pulumiBuild,
  pulumiModule,
  pulumiRoot,
  pulumiVersion,
  ray,
  repoRoot,
  serving,
  setupReport,
  uv,
} from "./paths.mjs";
import { actionlintProgram } from "./setup/actionlint.mjs";
import { isDiskFull, MachineError, messageOf, SetupError, Stopped, unwritablePlace } from "./setup/errors.mjs";
import { withWritableCaches } from "./setup/caches.mjs";
import { nodePackages, requireNode } from "./setup/node-packages.mjs";
import { Progress } from "./setup/progress.mjs";
import { pulumiCli } from "./setup/pulumi.mjs";
import { pythonEnvironment } from "./setup/python.mjs";
import { asSetupError, installMissing } from "./setup/steps.mjs";
import { trustedPath } from "./setup/trust.mjs";

const steps = [
  nodePackages(repoRoot, localFolder),
  pythonEnvironment(serving, "Python environment for serving", ["bin/python", "bin/torchserve"], uv),
  pythonEnvironment(ministack, "Python environment for MiniStack", ["bin/python"], uv),
  pulumiCli({
    version: pulumiVersion,
    root: pulumiRoot,
    build: pulumiBuild,
    cacheRoot,
    module: pulumiModule,
    languageHost,
  }),
  pythonEnvironment(lint, "Python environment for zizmor", ["bin/zizmor"], uv),
  actionlintProgram({ version: actionlintVersion, root: actionlintRoot, cacheRoot, module: actionlintModule }),
];
/** What a set-up leaves out unless it is asked for by name. */
const onDemand = [pythonEnvironment(ray, "Python environment for Ray Serve", ["bin/python", "bin/serve"], uv)];
const names = [...steps, ...onDemand].map(({ name }) => name);

const usage = `Installs what this project needs and this machine lacks, once; a second run has nothing to do.

usage: node tools/setup.mjs [--only NAMES] [--quiet]

  --only NAMES  only these, separated by commas: ${names.join(", ")}
                (without it, all but ${onDemand.map(({ name }) => name).join(", ")})
  --quiet       say nothing when everything is there
  --help        this text

The Python environments, the CLI and actionlint go to ${cacheRoot}
(ASYNC_VIDEO_INFERENCE_CACHE names another folder); "npm run clean" removes them.
Progress goes to stderr. The status is 0 if everything is there; 2 for a wrong option, a folder that cannot be
written, or a full disk; else 1.
`;

/**
 * @param {string[]} args
 * @returns {"help" | { only: Set<string>, quiet: boolean }}
 * @throws {SetupError} for a wrong option
 */
function parseOptions(args) {
  /** @type {{ help?: boolean, only?: string, quiet?: boolean }} */
  let options;
  try {
    options = parseArgs({
      args,
      options: { help: { type: "boolean" }, only: { type: "string" }, quiet: { type: "boolean" } },
    }).values;
  } catch (error) {
    throw new SetupError(messageOf(error));
  }
  if (options.help) return "help";
  const only = options.only?.split(",") ?? steps.map(({ name }) => name);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new SetupError(`--only: "${unknown.join(",")}" is none of ${names.join(", ")}.`);
  return { only: new Set(only), quiet: options.quiet ?? false };
}

/** @returns {Promise<number>} the exit status */
async function main() {
  const started = performance.now();
  let options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${usage}`);
    return 2;
  }
  if (options === "help") {
    process.stdout.write(usage);
    return 0;
  }
  const { only, quiet } = options;
  const { path, ignored } = trustedPath(process.env["PATH"], repoRoot);

  const stop = new AbortController();
  /** @type {NodeJS.Signals | undefined} */
  let stoppedBy;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      stoppedBy ??= signal;
      stop.abort();
    });
  }
  try {
    const wanted = [...steps, ...onDemand].filter(({ name }) => only.has(name));
    const missing = wanted.filter((step) => !step.isReady());
    // Before the steps, which take minutes and use one or both.
    if (missing.length > 0 || !quiet) makeWritable(localFolder);
    if (missing.some(({ name }) => name !== "node")) makeWritable(cacheRoot);
    const progress = new Progress(process.stderr);
    await installMissing(missing, {
      env: withWritableCaches({ ...process.env, PATH: path }, cacheRoot),
      signal: stop.signal,
      progress,
      cacheRoot,
    });
    if (only.has("node")) requireNode(repoRoot, process.versions.node);
    if (quiet && missing.length === 0) return 0;
    const seconds = (performance.now() - started) / 1000;
    writeReport(seconds);
    process.stderr.write(
      missing.length === 0 ? "set-up: everything is there\n" : `set-up: done in ${seconds.toFixed(1)} s\n`,
    );
    return 0;
  } catch (error) {
    if (error instanceof Stopped && stoppedBy !== undefined) {
      process.stderr.write(`set-up: stopped by ${stoppedBy}; run it again to go on\n`);
      return 128 + constants.signals[stoppedBy];
    }
    const isOfMachine = isDiskFull(error) || unwritablePlace(error) !== undefined;
    if (!(error instanceof SetupError) && !isOfMachine) throw error;
    const problem = asSetupError(error, cacheRoot);
    process.stderr.write(`\nset-up failed: ${problem.message}\n`);
    if (ignored.length > 0) {
      process.stderr.write(
        `Not searched, because other users can change these folders of the PATH: ${ignored.join(", ")}\n`,
      );
    }
    return problem instanceof MachineError ? 2 : 1;
  }
}

/**
 * Writes what the set-up took, for the summary.
 * @param {number} seconds
 * @throws {MachineError} if the clone's disk is full
 */
function writeReport(seconds) {
  try {
    writeFileSync(setupReport, `${JSON.stringify({ seconds })}\n`);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    rmSync(setupReport, { force: true });
    throw new MachineError(`Cannot write ${setupReport}: the disk is full. Free some space and run the command again.`);
  }
}

process.exitCode = await main();
