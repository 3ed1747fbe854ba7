/** Takes down the local stack of this clone that tests have left: those of a run that was killed, which no hook has cleaned up. */
import { readFile } from "node:fs/promises";
import { stopEmulator } from "../../ops/local/emulator.ts";
import { localState } from "../../ops/local/local-stack.ts";
import { inUse, isKeptUp, liveOwner, release, type StatePaths } from "../../ops/local/state.ts";
import { testRunVariable } from "../../ops/testing/commands.ts";

/**
 * Run it before tests that use the local stack of this clone. It takes down a stack whose tests' process is gone, and says so.
 * Throws StackInUse if a person or another run of tests has the stack.
 */
export async function takeDownLeftover(
  paths: StatePaths = localState,
  say: (words: string) => void = console.log,
): Promise<void> {
  const owner = await liveOwner(paths);
  if (owner === undefined) return;
  const run = await testRunOf(owner.pid);
  if (run === undefined || isRunning(run)) throw inUse(owner, await isKeptUp(paths, owner));
  say(`Tests that were killed have left the local stack up (process ${owner.pid}). It is taken down now.`);
  await stopEmulator(owner.pid);
  await release(paths);
}

/** The process of the tests that started a process, if tests did. */
async function testRunOf(pid: number): Promise<number | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  const prefix = `${testRunVariable}=`;
  const entry = environment.split("\0").find((variable) => variable.startsWith(prefix));
  return entry === undefined ? undefined : Number(entry.slice(prefix.length));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
