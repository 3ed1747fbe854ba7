/** Takes down this clone's local stack if a killed test run has left it up. */
import { readFile } from "node:fs/promises";
import { stopEmulator } from "../../ops/local/emulator.ts";
import { localState } from "../../ops/local/local-stack.ts";
import { inUse, isKeptUp, release, stackOwner } from "../../ops/local/local-folder.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { testRunVariable } from "../../ops/testing/commands.ts";

/**
 * Takes down the local stack if the test run that started it has ended, and prints a message. Run it before tests that use the stack.
 * @throws StackInUse if a person or an active test run has the stack
 */
export async function takeDownLeftover(
  paths: StatePaths = localState,
  print: (message: string) => void = console.log,
): Promise<void> {
  const owner = stackOwner(paths);
  if (owner === undefined) return;
  const run = await testRunOf(owner.pid);
  if (run === undefined || isRunning(run)) throw inUse(owner, await isKeptUp(paths, owner));
  print(`A killed test run has left the local stack up (process ${owner.pid}). Taking it down.`);
  await stopEmulator(owner.pid);
  await release(paths);
}

/** Returns the process ID of the test run that started a process; undefined if none did. */
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
