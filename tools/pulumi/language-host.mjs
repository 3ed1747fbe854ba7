/**
 * A Node language host for Pulumi, used if the official one cannot be downloaded. It starts the runners for programs and policy
 * packs that are part of @pulumi/pulumi.
 *
 * The engine starts it in the program's folder with the engine's address as the argument, and reads its port from the first
 * line on stdout. Setup copies this file to the CLI's folder, which clones share. So it imports nothing from this clone,
 * and loads @pulumi/pulumi from the program's folder.
 * Protocol: https://github.com/pulumi/pulumi/blob/v3.259.0/proto/pulumi/language.proto
 */
import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Exit status of Pulumi's runner after it has already printed the error. */
const errorAlreadyPrinted = 32;

/**
 * The modules of a copy of @pulumi/pulumi that this host uses.
 * @typedef {object} Sdk
 * @property {typeof import("@grpc/grpc-js")} grpc
 * @property {typeof import("@pulumi/pulumi/proto/language_grpc_pb.js")} services
 * @property {typeof import("@pulumi/pulumi/proto/language_pb.js")} messages
 * @property {typeof import("@pulumi/pulumi/proto/plugin_pb.js")} plugins
 * @property {string} version
 */

/**
 * Returns a `require` that resolves modules from a folder.
 * @param {string} folder
 */
const requireFrom = (folder) => createRequire(join(folder, "index.js"));

/**
 * @param {string} folder the program's
 * @returns {Sdk}
 */
function loadSdk(folder) {
  /** @type {<T>(module: string) => T} */
  const load = createRequire(requireFrom(folder).resolve("@pulumi/pulumi/package.json"));
  /** @type {{ version: string }} */
  const { version } = load("./package.json");
  return {
    grpc: load("@grpc/grpc-js"),
    services: load("./proto/language_grpc_pb.js"),
    messages: load("./proto/language_pb.js"),
    plugins: load("./proto/plugin_pb.js"),
    version,
  };
}

/**
 * Returns the command line and the environment in which Pulumi's runner executes a program.
 * @param {string} engine the engine's address
 * @param {import("@pulumi/pulumi/proto/language_pb.js").RunRequest.AsObject} request
 * @param {(module: string) => string} resolve resolves a module from the program's folder
 * @throws {Error} if the request names no program
 */
export function programCommand(engine, request, resolve) {
  const info = request.info;
  if (info === undefined) throw new Error("The engine's run request names no program.");
  const options = optionsOf(info);
  /** @type {[string, string | false][]} */
  const flags = [
    ["monitor", request.monitorAddress],
    ["engine", engine],
    ["project", request.project],
    ["stack", request.stack],
    ["organization", request.organization],
    ["root-directory", info.rootDirectory],
    ["pwd", request.pwd],
    ["parallel", request.parallel > 0 && String(request.parallel)],
  ];
  return {
    args: [
      resolve("@pulumi/pulumi/cmd/run"),
      ...flags.flatMap(([flag, value]) => (value ? [`--${flag}`, value] : [])),
      ...(request.dryrun ? ["--dry-run"] : []),
      info.entryPoint || ".",
      ...request.argsList,
    ],
    env: {
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.configMap)),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.configsecretkeysList),
      PULUMI_NODEJS_TYPESCRIPT: String(options["typescript"] !== false),
    },
  };
}

/**
 * Returns the command line and the working folder in which Pulumi's runner serves a policy pack or another Node plugin.
 * @param {import("@pulumi/pulumi/proto/language_pb.js").RunPluginRequest.AsObject} request
 * @param {(module: string) => string} resolve resolves a module from the plugin's folder
 * @throws {Error} if the request names no plugin
 */
export function pluginCommand(request, resolve) {
  const info = request.info;
  if (info === undefined) throw new Error("The engine's request names no plugin.");
  optionsOf(info);
  const folder = info.programDirectory;
  return request.kind === "analyzer"
    ? // @pulumi/policy reads the pack's version from the package.json of the working folder.
      { args: [resolve("@pulumi/pulumi/cmd/run-policy-pack"), ...request.argsList, folder], cwd: folder }
    : { args: [resolve("@pulumi/pulumi/cmd/run-plugin"), folder, ...request.argsList], cwd: request.pwd };
}

/**
 * Returns the options of Pulumi.yaml's `runtime`.
 * @param {import("@pulumi/pulumi/proto/language_pb.js").ProgramInfo.AsObject} info
 * @throws {Error} for an option that this host does not support
 */
function optionsOf(info) {
  const fields = info.options?.fieldsMap ?? [];
  for (const [name] of fields) {
    if (name !== "typescript") {
      throw new Error(
        `The runtime option "${name}" in ${info.rootDirectory} is not supported by this language host. ` +
          "Remove it, or install the official Pulumi CLI, whose language host supports it.",
      );
    }
  }
  return Object.fromEntries(fields.map(([name, value]) => [name, value.boolValue]));
}

/** The running child processes, which must end with this host. */
class Runners {
  /** @type {Set<import("node:child_process").ChildProcess>} */
  #running = new Set();

  /**
   * @template {import("node:child_process").ChildProcess} T
   * @param {T} child
   */
  add(child) {
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    return child;
  }

  stop() {
    for (const child of this.#running) child.kill("SIGTERM");
  }
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * @param {string} engine
 * @param {Sdk} sdk
 * @param {Runners} runners
 */
function languageRuntime(engine, { grpc, messages, plugins, version }, runners) {
  const refusal = (/** @type {unknown} */ error) => ({
    code: grpc.status.FAILED_PRECONDITION,
    details: messageOf(error),
  });
  /**
   * The methods that the engine needs to run programs and policy packs. gRPC answers UNIMPLEMENTED to all others.
   * @type {Pick<
   *   import("@pulumi/pulumi/proto/language_grpc_pb.js").ILanguageRuntimeServer,
   *   "handshake" | "getPluginInfo" | "getRequiredPackages" | "about" | "run" | "runPlugin" | "cancel"
   * >}
   */
  const service = {
    handshake: (_call, answer) => {
      answer(null, new messages.LanguageHandshakeResponse());
    },

    getPluginInfo: (_call, answer) => {
      answer(null, new plugins.PluginInfo().setVersion(version));
    },

    // Empty, so that the engine loads a provider when it first needs it, in the version that the SDK's registrations name.
    // Otherwise it would download a provider that PULUMI_DEBUG_PROVIDERS attaches.
    getRequiredPackages: (_call, answer) => {
      answer(null, new messages.GetRequiredPackagesResponse());
    },

    about: (_call, answer) => {
      answer(null, new messages.AboutResponse().setExecutable(process.execPath).setVersion(process.version));
    },

    run: (call, answer) => {
      const request = call.request.toObject();
      run(engine, request, runners).then(
        (status) => {
          const response = new messages.RunResponse().setBail(status === errorAlreadyPrinted);
          if (status !== 0 && status !== errorAlreadyPrinted) {
            response.setError(`The program ended with ${typeof status === "number" ? `status ${status}` : status}.`);
          }
          answer(null, response);
        },
        (/** @type {unknown} */ error) => {
          answer(refusal(error));
        },
      );
    },

    runPlugin: (call) => {
      const request = call.request.toObject();
      try {
        const { args, cwd } = pluginCommand(
          request,
          requireFrom(request.info?.programDirectory ?? request.pwd).resolve,
        );
        const env = request.envList.length > 0 ? environmentOf(request.envList) : process.env;
        const child = runners.add(spawn("node", args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] }));
        child.stdout.on("data", (/** @type {Buffer} */ data) => {
          call.write(new messages.RunPluginResponse().setStdout(data));
        });
        child.stderr.on("data", (/** @type {Buffer} */ data) => {
          call.write(new messages.RunPluginResponse().setStderr(data));
        });
        child.once("error", (error) => call.emit("error", refusal(error)));
        child.once("close", (status) => {
          call.write(new messages.RunPluginResponse().setExitcode(status ?? 1));
          call.end();
        });
        call.once("cancelled", () => child.kill("SIGTERM"));
      } catch (error) {
        call.emit("error", refusal(error));
      }
    },

    cancel: (call, answer) => {
      runners.stop();
      answer(null, call.request);
    },
  };
  return service;
}

/**
 * Runs a program until it ends.
 * @param {string} engine
 * @param {import("@pulumi/pulumi/proto/language_pb.js").RunRequest.AsObject} request
 * @param {Runners} runners
 * @returns {Promise<number | NodeJS.Signals>} its status, or the signal that ended it
 */
async function run(engine, request, runners) {
  const resolve = requireFrom(request.info?.programDirectory ?? request.pwd).resolve;
  const { args, env } = programCommand(engine, request, resolve);
  const child = runners.add(
    spawn("node", args, { cwd: request.pwd, env: { ...process.env, ...env }, stdio: ["ignore", "inherit", "inherit"] }),
  );
  return await new Promise((done, failed) => {
    child.once("error", failed);
    child.once("exit", (status, signal) => {
      done(status ?? signal ?? 1);
    });
  });
}

/**
 * @param {readonly string[]} assignments `NAME=value`
 * @returns {NodeJS.ProcessEnv}
 */
function environmentOf(assignments) {
  return Object.fromEntries(
    assignments.map((assignment) => {
      const equals = assignment.indexOf("=");
      return [assignment.slice(0, equals), assignment.slice(equals + 1)];
    }),
  );
}

/**
 * Calls `onEnd` when the engine has ended for any reason.
 * @param {Sdk["grpc"]} grpc
 * @param {string} engine
 * @param {() => void} onEnd
 */
function watchEngine(grpc, engine, onEnd) {
  // An idle connection must not count as the end of the engine.
  const options = { "grpc.client_idle_timeout_ms": 2 ** 31 - 1 };
  const channel = new grpc.Client(engine, grpc.credentials.createInsecure(), options).getChannel();
  let connected = false;
  const check = () => {
    const state = channel.getConnectivityState(true);
    if (connected && state !== grpc.connectivityState.READY) {
      onEnd();
      return;
    }
    connected = state === grpc.connectivityState.READY;
    channel.watchConnectivityState(state, Infinity, check);
  };
  check();
}

async function main() {
  const engine = process.argv.at(-1);
  if (engine === undefined || !/:\d+$/.test(engine)) {
    throw new Error("usage: pulumi-language-nodejs ENGINE_ADDRESS (the Pulumi engine starts it)");
  }
  const sdk = loadSdk(process.cwd());
  const runners = new Runners();
  const server = new sdk.grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  server.addService(sdk.services.LanguageRuntimeService, languageRuntime(engine, sdk, runners));
  /** @type {number} */
  const port = await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", sdk.grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  const stop = () => {
    runners.stop();
    process.exit(0);
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
  watchEngine(sdk.grpc, engine, stop);
  process.stdout.write(`${port}\n`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((/** @type {unknown} */ error) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  });
}
