/** Deploys the stack `local` with an emulator, and removes both. */
import { copyFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { handOver } from "../../lib/lock.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { Deployment } from "../deployment/deployment.ts";
import { spawnEmulator } from "./emulator.ts";
import type { Ready, RunningEmulator } from "./emulator.ts";
import { imageOptions } from "./image-commands.ts";
import { packageModel } from "../start/model.ts";
import { linkOfficialProvider } from "./official-provider.ts";
import { checkPort, defaultPort } from "./port.ts";
import { attachLocalRoles, detachLocalRoles } from "./roles.ts";
import type { Progress } from "../../lib/progress.ts";
import { checkSettings } from "../deployment/settings-check.ts";
import { release, statePaths, takeOver } from "./local-folder.ts";
import type { StatePaths } from "./local-folder.ts";

/** Clock speed-up while the stack waits for a change. */
export const defaultSpeed = 960;

/** Description of the option `--speed`. */
export const speedHelp = "clock speed-up while nothing runs and a change is to come, 1 to 3600";

/** The local stack's folder. */
export const localState: StatePaths = statePaths(resolve(repoRoot, ".local"));

/** Options of the emulator for a stack. */
export interface EmulatorSessionOptions {
  readonly paths?: StatePaths;
  readonly port?: number | undefined;
  readonly speed?: number | undefined;
  /** Finds the executable of the official provider, with which the engine deploys. @default the emulator's provider */
  readonly officialProvider?: (() => Promise<string>) | undefined;
  /** Hands the lock to the emulator once the stack is deployed. To run after this process, the emulator must also be released. @default false */
  readonly keep?: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Settings file. @default Pulumi.local.yaml */
  readonly configFile?: string;
  /** The artifact that the settings name is built already. @default false */
  readonly packaged?: boolean;
}

/** An emulator of this command, with the model's artifact built and the stack opened, ready for a deployment. */
export interface EmulatorSession {
  readonly aws: RunningEmulator;
  readonly deployment: Deployment;
  readonly paths: StatePaths;
  /** Aborts when the caller's signal aborts, or when the emulator fails. */
  readonly signal: AbortSignal;
  /** Ends the emulator and deletes its data and Pulumi's state, without the engine. For an end within an operation. */
  abandon(): Promise<void>;
  /**
   * Destroys a stack through the engine, ends the emulator, deletes the state.
   * @param stack the stack. @default the stack local
   */
  takeDown(stack?: Deployment): Promise<void>;
}

/** A deployed local stack. */
export interface LocalStack extends EmulatorSession {
  readonly outputs: Record<string, unknown>;
  /** Number of resources in the stack. */
  readonly resources: number;
  /** Number of policies that evaluated the stack. */
  readonly policies: number;
  /** Seconds of preview and update. */
  readonly deploySeconds: number;
}

/**
 * Takes over the local stack's folder. Then starts the emulator, packages the model and opens the stack in parallel.
 * Leaves nothing behind if one of them fails or the signal aborts.
 */
export async function prepareSession(options: EmulatorSessionOptions): Promise<EmulatorSession> {
  const { progress, paths = localState, packaged = false } = options;
  options.signal.throwIfAborted();
  const further = await imageOptions(options.configFile ?? join(repoRoot, "Pulumi.local.yaml"));
  await takeOver(paths);
  let aws: RunningEmulator | undefined;
  const abandon = async (): Promise<void> => {
    await aws?.stop();
    await release(paths);
  };
  try {
    const { port = defaultPort, speed = defaultSpeed, configFile, officialProvider } = options;
    await checkPort(port);
    if (officialProvider !== undefined) await linkOfficialProvider(await officialProvider(), paths.pulumiHome);
    const provider = officialProvider === undefined ? "emulated" : "official";
    const name = `Starting AWS on this machine${packaged ? "" : " and packaging the model"}`;
    const { result } = await progress.step(name, async () => {
      const starting = spawnEmulator({ paths, port, speed, provider, further, signal: options.signal });
      const [started, built, opened] = await Promise.allSettled([
        starting,
        packaged ? undefined : packageModel(options.signal),
        Deployment.open(starting, paths, configFile),
      ]);
      if (started.status === "rejected") throw started.reason;
      aws = started.value;
      if (built.status === "rejected") throw built.reason;
      if (opened.status === "rejected") throw opened.reason;
      return { running: aws, deployment: opened.value };
    });
    const { running, deployment } = result;
    // Without the emulator, the engine's calls fail at once, so an interrupted deployment ends soon.
    options.signal.addEventListener("abort", () => void running.stop());
    const signal = AbortSignal.any([options.signal, running.died]);
    return {
      aws: running,
      deployment,
      paths,
      signal,
      abandon,
      takeDown: (stack = deployment) => takeDown({ aws: running, deployment: stack, progress, signal, stop: abandon }),
    };
  } catch (error) {
    await abandon();
    throw error;
  }
}

/**
 * Destroys a running stack through the engine. Then, in every case, stops its emulator.
 * @param stop ends the emulator and deletes the state
 * @throws the errors of the engine and of IAM
 */
export async function takeDown({
  aws,
  deployment,
  progress,
  signal,
  stop,
}: {
  readonly aws: Ready;
  readonly deployment: Deployment;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly stop: () => Promise<void>;
}): Promise<void> {
  try {
    await progress.step("Destroying the stack", async (step) => {
      await detachLocalRoles(aws, signal);
      await deployment.destroy(step, signal);
    });
  } finally {
    await progress.step("Stopping AWS on this machine", stop);
  }
}

/** Starts the emulator, previews with the policy pack, and deploys. A failure or an abort leaves nothing behind. */
export async function bringUp(options: EmulatorSessionOptions): Promise<LocalStack> {
  const { progress, configFile = join(repoRoot, "Pulumi.local.yaml") } = options;
  await checkSettings({ stack: "local", file: configFile });
  const session = await prepareSession(options);
  const { aws, deployment, paths, signal } = session;
  try {
    const preview = await progress.step("Previewing with the policy pack", (step) => deployment.preview(step, signal));
    const up = await progress.step("Deploying with Pulumi", (step) => deployment.up(step, signal));
    await attachLocalRoles(aws, up.result.outputs, signal);
    if (options.keep === true) {
      // For later updates: the caller may remove its file.
      if (options.configFile !== undefined) await copyFile(options.configFile, paths.settings);
      handOver(paths.lock, aws.pid);
    }
    const deploySeconds = preview.seconds + up.seconds;
    return { ...session, ...up.result, policies: preview.result.policies, deploySeconds };
  } catch (error) {
    await session.abandon();
    throw error;
  }
}
