/** The local stack that an earlier command has started. */
import { InvalidInputError } from "../../lib/errors.ts";
import { readReady } from "./emulator.ts";
import type { Ready } from "./emulator.ts";
import { localState } from "./local-stack.ts";
import { stackOwner } from "./local-folder.ts";

/** Message of commands that need a running stack. */
export const noStack = "No local stack is up. Start one with: npm run local:up";

/** Reads what the running emulator printed when it was ready; undefined if none is running. */
export async function readRunning(): Promise<Ready | undefined> {
  const ready = await readReady(localState);
  return ready !== undefined && stackOwner(localState)?.pid === ready.pid ? ready : undefined;
}

/**
 * Reads what the running emulator printed when it was ready.
 * @throws InvalidInputError if none is running
 */
export async function requireRunning(): Promise<Ready> {
  const ready = await readRunning();
  if (ready === undefined) throw new InvalidInputError(noStack);
  return ready;
}
