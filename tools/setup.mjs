/** Installs the project's dependencies on a fresh machine: Node packages, Python environments, the Pulumi CLI and linters. */
import { rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { makeWritable } from "./folders.mjs";
import {
  actionlintModule,
  actionlintRoot,
  actionlintVersion,
  cacheRoot,
  clients,
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
  sagemaker3,
  serving,
  setupReport,
  uv,
} from "./paths.mjs";
import { actionlintProgram } from "./setup/actionlint.mjs";
import { isDiskFull, MachineError, messageOf, SetupError, Stopped, unwritablePath } from "./setup/errors.mjs";
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
/** Steps that run only if `--only` names them. */
const onDemand = [
  pythonEnvironment(ray, "Python environment for Ray Serve", ["bin/python", "bin/serve"], uv),
  pythonEnvironment(
    clients,
    "Python environment for boto3, AWS CLI 1 and SageMaker SDK v2",
    ["bin/python", "bin/aws"],
    uv,
  ),
  pythonEnvironment(sagemaker3, "Python environment for SageMaker SDK v3", ["bin/python"], uv),
];
const names = [...steps, ...onDemand].map(({ name }) => name);

const usage = `Installs the dependencies of this project that are missing on this machine.

usage: node tools/setup.mjs [--only NAMES] [--quiet]

  --only NAMES  install only these, separated by commas: ${steps.map(({ name }) => name).join(", ")}
                (the default), and on request: ${onDemand.map(({ name }) => name).join(", ")}
  --quiet       print nothing if everything is installed
  --help        print this text

The Python environments, the CLI and actionlint are installed in ${cacheRoot}
(set ASYNC_VIDEO_INFERENCE_CACHE to change the folder); "npm run clean" removes them.
Progress goes to stderr. Exit status: 0 everything is installed; 2 wrong option, a folder that is not writable,
or a full disk; 1 any other error.
`;

/**
 * @param {string[]} args
 * @returns {"help" | { only: Set<string>, quiet: boolean }}
 * @throws {SetupError} for an invalid option
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
  if (unknown.length > 0)
    throw new SetupError(`--only: "${unknown.join(",")}" is unknown. Use names from this list: ${names.join(", ")}.`);
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
    const selected = [...steps, ...onDemand].filter(({ name }) => only.has(name));
    const missing = selected.filter((step) => !step.isReady());
    // Check the folders before the steps, which take minutes.
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
      missing.length === 0 ? "setup: everything is installed\n" : `setup: done in ${seconds.toFixed(1)} s\n`,
    );
    return 0;
  } catch (error) {
    if (error instanceof Stopped && stoppedBy !== undefined) {
      process.stderr.write(`setup: stopped by ${stoppedBy}. Run it again to resume.\n`);
      return 128 + constants.signals[stoppedBy];
    }
    const isMachineError = isDiskFull(error) || unwritablePath(error) !== undefined;
    if (!(error instanceof SetupError) && !isMachineError) throw error;
    const problem = asSetupError(error, cacheRoot);
    process.stderr.write(`\nsetup failed: ${problem.message}\n`);
    if (ignored.length > 0) {
      process.stderr.write(
        `These folders of the PATH were not searched, because other users can change them: ${ignored.join(", ")}\n`,
      );
    }
    return problem instanceof MachineError ? 2 : 1;
  }
}

/**
 * Writes the duration of setup, for the summary of `npm start`.
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
