/**
 * Starts instances: each is SageMaker's serving stack, or the local command that stands for an image, as processes, with
 * a separate folder and separate sockets.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { cwd } from "node:process";
import { fileURLToPath } from "node:url";
import { StartupTimeoutError } from "../core/endpoint-api.ts";
import type { Clock } from "../core/clock.ts";
import type { Instance, InstanceLauncher } from "../core/worker.ts";
import type { ObjectStore } from "../aws-ports.ts";
import type { ContainerLogs } from "../container-logs.ts";
import { startGuarded } from "../processes/guarded.ts";
import type { GuardedOptions } from "../processes/guarded.ts";
import { makeFolder } from "../../lib/files.ts";
import { socketFolder } from "../processes/sockets.ts";
import type { ContainerSpec } from "../services/sagemaker/dependencies.ts";
import type { Invocation } from "../services/sagemaker/invocation.ts";
import type { ArtifactCache } from "./artifact.ts";
import { commandEnvironment, containerEnvironment } from "./environment.ts";
import { failureOf } from "./failure-log.ts";
import { GpuMeter } from "./gpu.ts";
import { LogShipper } from "./log-shipper.ts";
import { ModelServer } from "./model-server.ts";
import type { RunningServer } from "./model-server.ts";
import type { ServerSocket } from "./http.ts";
import { LoadError, untilHealthy, untilReady } from "./readiness.ts";
import type { ServerPlace } from "./readiness.ts";
import { UsageMeter } from "./usage.ts";

/** Options of the model servers on this machine. */
export interface ModelServerOptions {
  /** Python of the environment with the serving stack. */
  readonly python: string;
  readonly region: string;
  /** Parent folder of instances' folders and logs. */
  readonly stateDir: string;
  /** S3 and logs, as the execution role calls them. */
  readonly objects: ObjectStore;
  readonly artifacts: ArtifactCache;
  readonly logs: Pick<ContainerLogs, "write">;
  readonly clock: Pick<Clock, "now">;
  /**
   * Lets a new instance's container use AWS.
   * @default the container has no credentials
   */
  readonly access?: () => InstanceAccess;
}

/** Access of one instance's container to AWS. */
interface InstanceAccess {
  /** Environment variables of AWS SDKs. */
  readonly environment: Readonly<Record<string, string>>;
  readonly revoke: () => void;
}

/** A model server did not start; the message has the reason from its log, if there is one. */
export class InstanceError extends Error {
  override readonly name = "InstanceError";
}

const starter = fileURLToPath(new URL("start.py", import.meta.url));

/**
 * Time from SIGTERM to SIGKILL, ms. SageMaker's 30 s (developer guide, "Use your own inference code") are for requests
 * under way; here they have ended before an instance is stopped (emulator/core/running-instance.ts). TorchServe has no
 * work left then: it closes its connections at once, waits 2 s for new work (ServerGroups.java, netty's quiet period)
 * and kills its workers (WorkerLifeCycle.java).
 */
const stopGrace = 500;

/** Time from SIGTERM to SIGKILL of a local command, ms. It has no request then, and may close what it has opened. */
const commandGrace = 5_000;

/** The process of a container. */
interface Program {
  readonly options: Pick<GuardedOptions, "command" | "env" | "grace"> & { readonly cwd: string };
  /** Resolves when it accepts requests, with its socket. */
  readonly ready: (signal: AbortSignal) => Promise<ServerSocket>;
}

/** An instance's folders and log. */
interface Place extends ServerPlace {
  readonly logFile: string;
}

/** Launches one model server per instance. */
export class ModelServerLauncher implements InstanceLauncher<Invocation> {
  readonly #container: ContainerSpec;
  readonly #options: ModelServerOptions;
  readonly #gpus = new GpuMeter();

  constructor(container: ContainerSpec, options: ModelServerOptions) {
    this.#container = container;
    this.#options = options;
  }

  async launch(instanceId: string, signal: AbortSignal, onContainerStart?: () => void): Promise<Instance<Invocation>> {
    signal.throwIfAborted();
    const { endpointName, modelData } = this.#container;
    const { stateDir, artifacts, objects } = this.#options;
    const instances = join(stateDir, "instances");
    makeFolder(instances, 0o700);
    const base = await mkdtemp(join(instances, "i-"));
    const place: Place = {
      base,
      temporary: await socketFolder(base),
      logFile: join(stateDir, "logs", "endpoints", endpointName, `${instanceId}.log`),
    };
    const shipper = this.#shipper(instanceId, place.logFile);
    const access = this.#options.access?.();
    const cleanUp = async (): Promise<void> => {
      access?.revoke();
      await shipper.stop();
      for (const folder of [place.base, place.temporary]) {
        await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      }
    };
    try {
      const model = join(place.base, "ml", "model");
      if (modelData === undefined) makeFolder(model);
      else await artifacts.unpack(modelData, model, objects);
      onContainerStart?.();
      const server = await this.#start(place, access?.environment ?? {}, signal);
      const meter = new UsageMeter({ pid: server.process.pid, folder: place.base });
      return new ModelServer({ server, objects, cleanUp, usage: () => ({ ...meter.read(), ...this.#gpus.read() }) });
    } catch (error) {
      await cleanUp();
      throw error;
    }
  }

  /** Sends a log to the stream VARIANT/INSTANCE, as SageMaker names it. */
  #shipper(instanceId: string, logFile: string): LogShipper {
    const { endpointName, variantName } = this.#container;
    const { logs, clock } = this.#options;
    return new LogShipper(logFile, (lines) =>
      logs.write(
        endpointName,
        `${variantName}/${instanceId}`,
        lines.map((message) => ({ timestamp: clock.now(), message })),
      ),
    );
  }

  async #start(place: Place, access: Readonly<Record<string, string>>, signal: AbortSignal): Promise<RunningServer> {
    const { logFile } = place;
    signal.throwIfAborted();
    const { options, ready } = this.#program(place);
    const process = await startGuarded({
      python: this.#options.python,
      logFile,
      ...options,
      env: { ...access, ...options.env },
    });
    const failed = new AbortController();
    void process.ended.then((how) => {
      failed.abort(new LoadError(`The model server ended before it was ready (${how})`));
    });
    try {
      return { socket: await ready(AbortSignal.any([signal, failed.signal])), process };
    } catch (error) {
      // Before the stop adds its lines.
      const log = await readFile(logFile, "utf8");
      await process.stop();
      if (!(error instanceof LoadError || error instanceof StartupTimeoutError)) throw error;
      throw new InstanceError(`${error.message}: ${failureOf(log)}\nIts log: ${logFile}`, { cause: error });
    }
  }

  /** Returns the container's process, and how to wait until it accepts requests. */
  #program(place: Place): Program {
    const { base, temporary } = place;
    const { python, region } = this.#options;
    const { command, environment } = this.#container;
    if (command === undefined) {
      const env = containerEnvironment(base, region, environment);
      return {
        options: { command: [python, starter, base, temporary], env, cwd: base, grace: stopGrace },
        ready: async (signal) => (await untilReady(place, signal)).inference,
      };
    }
    const socketPath = join(temporary, "inference");
    const env = commandEnvironment(base, region, socketPath, environment);
    return {
      // In the emulator's own folder, so that the command may have relative paths.
      options: { command: ["sh", "-c", command], env, cwd: cwd(), grace: commandGrace },
      async ready(signal) {
        await untilHealthy({ socketPath }, signal);
        return { socketPath };
      },
    };
  }
}
