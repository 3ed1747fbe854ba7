/** How a command ends: what it says about an error, and the exit status that goes with it. */
import { exitCodeOf, explain } from "../lib/errors.ts";
import { printableText } from "../lib/printable.ts";
import { useProxies } from "../lib/proxies.ts";
import { remedyIn } from "../lib/remedies.ts";
import { DeploymentError, PolicyRefusal } from "./deployment/deployment.ts";
import { foreignSettings } from "./local/foreign-settings.ts";
import { Interrupted } from "./interrupt.ts";
import { EmulatorError } from "./local/emulator.ts";
import { ModelCommandError } from "./start/model.ts";
import { JobFailed } from "./start/one-video.ts";
import { UsageError } from "./options.ts";
import { StackInUse } from "./local/state.ts";

const spoken = [UsageError, StackInUse, DeploymentError, PolicyRefusal, EmulatorError, ModelCommandError, JobFailed];

/** The exit status for an error: 2 for bad input, 128 + N for a signal, 1 for everything else. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitStatus;
  return error instanceof UsageError || error instanceof StackInUse ? 2 : exitCodeOf(error);
}

/** What to print for an error: its message where it is one of ours or AWS's, the stack trace too where it is a fault of this program. */
export function messageOf(error: unknown): string {
  if (spoken.some((kind) => error instanceof kind)) {
    return withRemedy((error as Error).message);
  }
  const isFault = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return isFault ? (error.stack ?? error.message) : explain(error);
}

/** Adds a remedy, if there is one, to a message that quotes the engine, Python or the emulator: to the line of a short message, else below it. */
export function withRemedy(message: string): string {
  const remedy = remedyIn(message);
  if (remedy === undefined) return message;
  const said = message.trimEnd();
  return said.includes("\n") ? `${said}\n${remedy}` : `${said} (${remedy})`;
}

/** Runs a command on the emulator, without the user's AWS settings, to its end: an error becomes its message on standard error and its exit status. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    useProxies();
    for (const name of foreignSettings(process.env)) Reflect.deleteProperty(process.env, name);
    await command();
  } catch (error) {
    process.stderr.write(`${printableText(messageOf(error))}\n`);
    process.exitCode = exitStatusOf(error);
  }
}
