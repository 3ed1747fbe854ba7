/** Runs the emulator as a process: `node emulator/main.ts --state-dir DIR`; prints one line of JSON when it is ready. */

import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { createCommand, runProcess, wholeNumber } from "../lib/command-line.ts";
import type { CommandContext } from "../lib/command-line.ts";
import { UserError } from "../lib/errors.ts";
import { ministackPython, repoRoot, servingPython } from "../tools/paths.mjs";
import { createEmulator } from "./emulator.ts";
import { defaultPort } from "./gateway/gateway.ts";
import { parseImageCommand } from "./image-commands.ts";
import type { ImageCommand } from "./image-commands.ts";

function emulatorCommand(context: CommandContext) {
  return createCommand("node emulator/main.ts", "run the emulator")
    .description(
      `Runs the emulator until SIGTERM or SIGINT, or until the process that started it with an IPC channel ends; after the message "stay" on that channel, it outlives that process. Prints one line of JSON when it is ready: url, providerPort, pid, region, accountId, and credentials, the random key pair that requests must be signed with. Requests for MiniStack wait until it has started. If it breaks later, it prints one more line of JSON: error, the reason.`,
    )
    .requiredOption("--state-dir <folder>", "folder for data and logs")
    .option(
      "--port <number>",
      "port on 127.0.0.1; 0 takes a free port",
      wholeNumber("a whole number", 0, 65_535),
      defaultPort,
    )
    .option(
      "--speed <factor>",
      "clock speed-up while nothing runs and a change is to come",
      wholeNumber("a whole number", 1, 3_600),
      1,
    )
    .option(
      "--image <uri=command>",
      "local command that stands for the images of a repository; may be repeated",
      (text, images: readonly ImageCommand[] | undefined) => {
        const parsed = parseImageCommand(text);
        if (parsed === undefined) throw new InvalidArgumentError("takes URI=COMMAND");
        return [...(images ?? []), parsed];
      },
    )
    .action(({ image: images = [], ...options }) => runEmulator({ ...options, images }, context));
}

interface EmulatorCommandOptions {
  readonly stateDir: string;
  readonly port: number;
  readonly speed: number;
  readonly images: readonly ImageCommand[];
}

/**
 * Runs until it is asked to end.
 * @throws UserError with the reason if the emulator does not start or breaks
 */
async function runEmulator(options: EmulatorCommandOptions, { stdout, signal }: CommandContext): Promise<void> {
  const left = new AbortController();
  const leave = (): void => {
    left.abort();
  };
  process.on("disconnect", leave);
  process.on("message", (message) => {
    if (message !== "stay") return;
    process.off("disconnect", leave);
    process.disconnect();
  });
  const end = AbortSignal.any([signal, left.signal]);
  const say = (said: object): void => void stdout.write(`${JSON.stringify(said)}\n`);
  try {
    const programDirectory = join(repoRoot, "infra");
    const aws = await createEmulator({ ...options, ministackPython, servingPython, programDirectory, signal: end });
    const asked = new Promise<undefined>((resolve) => {
      end.addEventListener("abort", () => {
        resolve(undefined);
      });
    });
    const { url, providerPort, region, accountId, credentials } = aws;
    say({ url, providerPort, pid: process.pid, region, accountId, credentials });
    const broken = end.aborted ? undefined : await Promise.race([asked, aws.broken]);
    // Before the stop makes calls under way fail with less helpful reasons.
    if (broken !== undefined) say({ error: broken.message });
    await aws.stop();
    if (broken !== undefined) throw broken;
  } catch (error) {
    // The process that started the emulator adds the remedy.
    if (!end.aborted) throw new UserError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

// Open handles, such as an IPC channel, must not keep the process alive.
await runProcess(emulatorCommand);
process.exit();
