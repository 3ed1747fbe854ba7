/** The local stack's folder `.local/`: its owner, Pulumi's state and the emulator's data. State and data are kept or deleted together. */
import { chmod, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { codeOf, InvalidInputError } from "../../lib/errors.ts";
import { makeFolder } from "../../lib/files.ts";
import { liveOwner, tryLock, unlock } from "../../lib/lock.ts";
import type { Owner } from "../../lib/lock.ts";
import { keepLogs } from "./last-logs.ts";

/** A running process owns the local stack. Exit status 2. */
export class StackInUse extends InvalidInputError {
  override readonly name = "StackInUse";
}

/** The folders and files of one local stack. */
export interface StatePaths {
  readonly root: string;
  readonly lock: string;
  readonly backend: string;
  readonly pulumiHome: string;
  /** The emulator's data. */
  readonly aws: string;
  readonly log: string;
  /** Logs of the last run's containers; they stay when the emulator's data is deleted. */
  readonly lastLogs: string;
  /** Settings of a kept stack that does not use Pulumi.local.yaml; otherwise missing. */
  readonly settings: string;
  /** Stack outputs, read by `client/` for `--stack local`. */
  readonly outputs: string;
  /** Line that the emulator printed when it was ready. */
  readonly ready: string;
  /** The emulator's key pair, as a shared credentials file; read by `client/`, which looks for it next to the outputs. */
  readonly credentials: string;
}

/** Returns the paths of a local stack below its folder. */
export function statePaths(root: string): StatePaths {
  return {
    root,
    lock: join(root, "lock"),
    backend: join(root, "pulumi"),
    pulumiHome: join(root, "pulumi-home"),
    aws: join(root, "aws"),
    log: join(root, "local-aws.log"),
    lastLogs: join(root, "last-logs"),
    settings: join(root, "Pulumi.local.yaml"),
    outputs: join(root, "outputs.json"),
    ready: join(root, "local-aws.json"),
    credentials: join(root, "credentials"),
  };
}

/** Returns the running process that owns the stack, if any. */
export function stackOwner(paths: StatePaths): Owner | undefined {
  return liveOwner(paths.lock);
}

/**
 * Makes this process the owner, and deletes Pulumi's state and the emulator's data if an earlier owner left them.
 * @throws StackInUse if a running process owns the stack
 */
export async function takeOver(paths: StatePaths): Promise<void> {
  makeFolder(paths.root);
  // Only the user may read the key pair and the videos. An earlier version made the folder readable to others.
  await chmod(paths.root, 0o700);
  if (!takeLock(paths.lock)) {
    const owner = stackOwner(paths);
    if (owner !== undefined) throw inUse(owner, await isKeptUp(paths, owner));
    throw new StackInUse("Another command has just started or ended the local stack. Run the command again.");
  }
  await discardData(paths);
}

function takeLock(lock: string): boolean {
  try {
    return tryLock(lock);
  } catch (error) {
    throw new Error(`Cannot write ${lock}: ${codeOf(error)}`, { cause: error });
  }
}

/** Tells whether the owner is a kept emulator, and not a command that will end. */
export async function isKeptUp(paths: StatePaths, owner: Owner): Promise<boolean> {
  try {
    return z.object({ pid: z.int() }).parse(JSON.parse(await readFile(paths.ready, "utf8"))).pid === owner.pid;
  } catch {
    // Missing, or not completely written: the stack is not up yet.
    return false;
  }
}

/** Returns the error for a command that needs the stack while `owner` has it. */
export function inUse(owner: Owner, keptUp: boolean): StackInUse {
  return new StackInUse(
    keptUp
      ? `The local stack is up already (process ${owner.pid}). To use it: eval "$(npm run -s local:env)"; to start another one, first take it down: npm run local:down`
      : `The local stack is in use by process ${owner.pid}, another command of this clone. Wait for it to end, or stop it with Ctrl-C.`,
  );
}

async function discardData(paths: StatePaths): Promise<void> {
  await keepLogs(join(paths.aws, "logs"), paths.lastLogs);
  for (const path of [
    paths.backend,
    join(paths.pulumiHome, "logs"),
    paths.aws,
    paths.settings,
    paths.outputs,
    paths.ready,
    paths.credentials,
  ]) {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Deletes the stack's data, and then the lock. The last run's logs and the caches stay. */
export async function release(paths: StatePaths): Promise<void> {
  await discardData(paths);
  unlock(paths.lock);
}
