/** Starts and stops the emulator as a separate process. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { QuotedError } from "../../lib/errors.ts";
import { writeWhole } from "../../lib/files.ts";
import type { StatePaths } from "./local-folder.ts";
import { providerKinds } from "./official-provider.ts";
import type { ProviderKind } from "./official-provider.ts";

/** The emulator did not start, or ended unexpectedly. */
export class EmulatorError extends QuotedError {
  override readonly name = "EmulatorError";
}

const readySchema = z.object({
  url: z.url(),
  providerPort: z.int(),
  pid: z.int(),
  region: z.string(),
  accountId: z.string(),
  /** Key pair that signs the requests; each start has a new one. */
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  /** Provider with which the engine deploys; the command that starts the emulator adds it. */
  provider: z.enum(providerKinds).default("emulated"),
});
const brokenSchema = z.object({ error: z.string() });
/** Line that the emulator prints when it is ready. */
export type Ready = z.infer<typeof readySchema>;

/** A running emulator. */
export interface RunningEmulator extends Ready {
  /** Aborts with an {@link EmulatorError} if the emulator breaks or its process ends unexpectedly. */
  readonly died: AbortSignal;
  /** Ends the emulator and all its processes; resolves when they have ended. */
  stop(): Promise<void>;
  /**
   * Lets the emulator run after the end of this process.
   * @throws EmulatorError if it does not confirm in time
   */
  release(): Promise<void>;
}

/** Options of a start. */
export interface EmulatorOptions {
  readonly paths: StatePaths;
  /** Port of the gateway; 0 takes a free one. @default the emulator's default */
  readonly port?: number | undefined;
  /** Clock speed-up while nothing runs and a change is to come. */
  readonly speed: number;
  /** Provider with which the engine deploys. @default "emulated" */
  readonly provider?: ProviderKind;
  /** Further options of the command. @default none */
  readonly further?: readonly string[];
  readonly signal: AbortSignal;
}

const main = fileURLToPath(new URL("../../emulator/main.ts", import.meta.url));
/** Milliseconds of real time. A busy machine may take a minute. */
const startLimit = 5 * 60_000;
const stopLimit = 60_000;
/** Milliseconds until a killed process has ended. */
const killLimit = 10_000;

/** Milliseconds until the emulator confirms that it keeps running. */
const releaseLimit = 30_000;

/**
 * Starts the emulator and resolves when it listens; calls wait for the parts that are still starting. Unless it is
 * released, it ends with this process, even if that is killed.
 * @throws EmulatorError with the emulator's message if it ends first
 */
export async function spawnEmulator(options: EmulatorOptions): Promise<RunningEmulator> {
  options.signal.throwIfAborted();
  const log = openSync(options.paths.log, "w");
  const port = options.port === undefined ? [] : ["--port", String(options.port)];
  const child = spawn(
    process.execPath,
    [main, ...port, "--speed", String(options.speed), "--state-dir", options.paths.aws, ...(options.further ?? [])],
    // A separate process group: Ctrl-C reaches only this process, which then stops the emulator in order.
    { stdio: ["ignore", "pipe", log, "ipc"], detached: true },
  );
  closeSync(log);
  const ended = new Promise<void>((resolve) =>
    child.once("close", () => {
      resolve();
    }),
  );
  const died = new AbortController();
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    child.kill("SIGTERM");
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
    }, stopLimit);
    await ended;
    clearTimeout(timer);
  };
  child.once("close", (code, killedBy) => {
    if (!stopping) {
      died.abort(
        new EmulatorError(
          `The emulator ended unexpectedly (${killedBy ?? `exit status ${String(code)}`}); see ${options.paths.log}`,
        ),
      );
    }
  });
  try {
    const ready = { ...(await firstLine(child, died, options)), provider: options.provider ?? "emulated" };
    // Only the user may read the key pair.
    await writeWhole(options.paths.ready, JSON.stringify(ready), 0o600);
    await writeWhole(options.paths.credentials, credentialsFile(ready), 0o600);
    return {
      ...ready,
      died: died.signal,
      stop,
      async release() {
        const agreed = once(child, "disconnect", { signal: AbortSignal.timeout(releaseLimit) });
        child.send("stay");
        try {
          await agreed;
        } catch (error) {
          throw new EmulatorError(
            `The emulator did not accept the request to keep running: ${(error as Error).message}`,
          );
        }
        child.stdout?.destroy();
        child.unref();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Formats the key pair as a shared credentials file of the AWS CLI and SDKs. */
function credentialsFile({ credentials: { accessKeyId, secretAccessKey } }: Ready): string {
  return `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
}

/** Reads the emulator's messages: that it is ready, and later the reason if it fails. */
async function firstLine(child: ChildProcess, died: AbortController, options: EmulatorOptions): Promise<Ready> {
  const tooLate = AbortSignal.timeout(startLimit);
  return await new Promise<Ready>((resolve, reject) => {
    tooLate.addEventListener("abort", () => {
      reject(
        new EmulatorError(`The emulator was not ready after ${startLimit / 60_000} minutes; see ${options.paths.log}`),
      );
    });
    child.once("error", (error) => {
      reject(new EmulatorError(`The emulator could not be started: ${error.message}`));
    });
    died.signal.addEventListener("abort", () => {
      void lastWords(options.paths.log).then((words) => {
        reject(new EmulatorError(words));
      });
    });
    options.signal.addEventListener("abort", () => {
      reject(options.signal.reason as Error);
    });
    if (child.stdout === null) throw new EmulatorError("The emulator was started without a pipe.");
    createInterface({ input: child.stdout }).on("line", (line) => {
      const said = z.union([readySchema, brokenSchema]).parse(JSON.parse(line));
      if ("error" in said) died.abort(new EmulatorError(said.error));
      else resolve(said);
    });
  });
}

async function lastWords(log: string): Promise<string> {
  const lines = (await readFile(log, "utf8")).trim().split("\n");
  const last = lines.at(-1) ?? "";
  return last === ""
    ? `The emulator ended before it was ready, without a message; see ${log}`
    : last.replace(/^error: /, "");
}

/** Reads what the running emulator printed when it was ready; undefined if none is running. */
export async function readReady(paths: StatePaths): Promise<Ready | undefined> {
  try {
    return readySchema.parse(JSON.parse(await readFile(paths.ready, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

/** Ends an emulator that an earlier command started; resolves when it has ended. */
export async function stopEmulator(pid: number): Promise<void> {
  const kill = (signal: NodeJS.Signals | 0): boolean => {
    try {
      process.kill(pid, signal);
      return true;
    } catch {
      return false;
    }
  };
  kill("SIGTERM");
  const deadline = performance.now() + stopLimit;
  while (kill(0)) {
    const late = performance.now() - deadline;
    if (late > killLimit) {
      throw new EmulatorError(`Process ${pid} of the emulator does not end, even when killed. End it, and try again.`);
    }
    if (late > 0) kill("SIGKILL");
    await sleep(100);
  }
}
