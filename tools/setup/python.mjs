/** Installs the Python environments with uv, which pip installs first. */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { findOnPath, run } from "./commands.mjs";
import { CommandFailed, indent, messageOf, SetupError } from "./errors.mjs";
import { installOnce, isComplete } from "./install.mjs";
import { uvProgress } from "./sizes.mjs";

/** The Python versions that torch 2.6, PyAV's abi3 wheels and AWS's image support. */
const supportedPythons = ">=3.11,<3.13";

/** Names of Python interpreters to try for the environment in which pip installs uv. */
const candidates = ["python3", "python3.12", "python3.11", "python"];

/** Isolated mode: otherwise `python -m venv` runs a venv.py of the current folder or of PYTHONPATH. */
const isolated = ["-I"];

/**
 * @typedef {object} Uv
 * @property {string} lock
 * @property {string} root
 * @property {string} executable
 */

/**
 * Returns the step that installs an environment from its lock file with hashes.
 * @param {import("../paths.mjs").PythonEnvironment} environment
 * @param {string} title
 * @param {readonly string[]} files required files, relative to the environment's root
 * @param {Uv} uv
 * @returns {import("./steps.mjs").Step}
 */
export function pythonEnvironment(environment, title, files, uv) {
  const installation = { root: environment.root, files };
  return {
    name: environment.name,
    title,
    isReady: () => isComplete(installation),
    install: (context) =>
      installOnce(installation, context, async (folder) => {
        await installUv(uv, context);
        await installPackages(folder, environment.lock, uv, context);
      }),
  };
}

/**
 * @param {string} folder
 * @param {string} lock
 * @param {Uv} uv
 * @param {import("./install.mjs").StepContext} context
 */
async function installPackages(folder, lock, uv, context) {
  const options = { ...context, onLine: uvProgress(context.report) };
  const quiet = ["--no-progress"];
  context.report("looking for Python 3.11 or 3.12");
  try {
    // --relocatable: the folder is renamed when it is complete. --quiet: uv warns about each unusable Python.
    await run(
      uv.executable,
      ["venv", ...quiet, "--quiet", "--allow-existing", "--relocatable", "--python", supportedPythons, folder],
      options,
    );
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    throw new SetupError(
      "Python 3.11 or 3.12 was not found on this machine, and could not be downloaded. Install one of them " +
        `(on Debian and Ubuntu: apt-get install python3.11). Output of uv:\n${indent(error.output)}`,
    );
  }
  context.report("installing packages");
  // A few packages are built from source; the lock file's hashes also apply to their build dependencies.
  const checks = ["--require-hashes", "--build-constraints", lock];
  await run(
    uv.executable,
    ["pip", "sync", ...quiet, ...checks, "--python", join(folder, "bin", "python"), lock],
    options,
  );
}

/**
 * Installs the pinned uv in the cache: pip installs it in a temporary environment, from which the executable is copied.
 * @param {Uv} uv
 * @param {import("./install.mjs").StepContext} context
 */
async function installUv(uv, context) {
  await installOnce({ root: uv.root, files: ["uv"] }, context, async (folder) => {
    const environment = join(folder, "environment");
    await createEnvironment(environment, context);
    context.report("installing uv");
    const options = [
      "--require-hashes",
      "--no-deps",
      "--only-binary",
      ":all:",
      "--disable-pip-version-check",
      "--no-input",
    ];
    // By default, pip makes five retries without network access, which take a minute.
    const retries = ["--retries", "1", "--timeout", "15"];
    const python = join(environment, "bin", "python");
    try {
      // pip prints the file's size when it downloads it.
      await run(python, [...isolated, "-m", "pip", "install", ...options, ...retries, "-r", uv.lock], {
        ...context,
        onLine: (line) => {
          context.report(`installing uv: ${line.trim()}`);
        },
      });
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      throw new SetupError(
        `pip cannot install uv, which installs the Python environments. Check this machine's network access. Output of pip:\n${indent(error.output)}`,
      );
    }
    await cp(join(environment, "bin", "uv"), join(folder, "uv"));
    await rm(environment, { recursive: true });
  });
}

/**
 * Creates an environment with pip, using the first Python on the PATH that can.
 * @param {string} folder
 * @param {import("./install.mjs").StepContext} context
 */
async function createEnvironment(folder, context) {
  const pythons = candidates.flatMap((name) => findOnPath(name, context.env["PATH"]));
  if (pythons.length === 0) {
    throw new SetupError(
      "Python is not on the PATH. Install Python 3.11 or 3.12, with its venv module " +
        "(on Debian and Ubuntu: apt-get install python3 python3-venv).",
    );
  }
  context.report("creating an environment for uv");
  const failures = [];
  for (const python of pythons) {
    try {
      await run(python, [...isolated, "-m", "venv", "--clear", folder], context);
      return;
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      failures.push(messageOf(error));
    }
  }
  throw new SetupError(
    "No Python on the PATH can create an environment. Install Python 3.11 or 3.12 with its venv module " +
      `(on Debian and Ubuntu: apt-get install python3 python3-venv).\n${indent(failures.join("\n"))}`,
  );
}
