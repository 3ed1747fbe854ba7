/**
 * MiniStack serves all AWS services that the emulator does not implement itself: a child process that only the gateway
 * can reach.
 */

import { request as httpRequest } from "node:http";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { makeFolder } from "../lib/files.ts";
import type { Credentials } from "./gateway/credentials.ts";
import { logTail, startGuarded } from "./processes/guarded.ts";
import type { GuardedProcess } from "./processes/guarded.ts";

/** Services of the video stack that MiniStack serves, by their SigV4 names, which MiniStack uses, too. */
export const miniStackServices: readonly string[] = ["s3", "sns", "sqs", "iam", "kms", "sts", "logs"];

/** Options of MiniStack's process. */
export interface MiniStackOptions {
  /** Python of the environment that has ministack and hypercorn. */
  readonly python: string;
  /** The Unix socket that it listens on; only the user can open its folder. */
  readonly socketPath: string;
  /** The port for clients: MiniStack writes it into queue URLs. */
  readonly gatewayPort: number;
  readonly accountId: string;
  readonly region: string;
  /** The administrator's key pair. */
  readonly credentials: Credentials;
  /** Bearer token of the launcher's own interface. */
  readonly launcherToken: string;
  /** Folder of MiniStack's temporary files. */
  readonly stateDir: string;
  readonly logFile: string;
  readonly signal?: AbortSignal;
}

/** A MiniStack process. */
export interface MiniStack {
  /**
   * Resolves when it is healthy. If it does not start within a minute, rejects with a MiniStackError that has the end
   * of its log; after an abort, with the signal's reason. No process is left then.
   */
  readonly ready: Promise<void>;
  /** Resolves, with a description of its end, when it has ended for any reason. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** MiniStack did not start. */
export class MiniStackError extends Error {
  override readonly name = "MiniStackError";
}

/** Time limit for the start of MiniStack, ms. */
export const miniStackStartLimit = 60_000;

/** Runs MiniStack with the emulator's enforcement of IAM. */
const launcher = fileURLToPath(new URL("iam/launcher.py", import.meta.url));

/** Starts MiniStack and resolves before it is healthy. */
export async function startMiniStack(options: MiniStackOptions): Promise<MiniStack> {
  const { socketPath } = options;
  const temporary = join(options.stateDir, "tmp");
  makeFolder(temporary);
  // The file for `npm run iam:record` (iam/recorder.py).
  const recording = process.env["LAUNCHER_RECORDING"] ?? "";
  const child = await startGuarded({
    python: options.python,
    command: [options.python, launcher, socketPath],
    env: {
      PATH: process.env["PATH"],
      HOME: temporary,
      TMPDIR: temporary,
      GATEWAY_PORT: String(options.gatewayPort),
      MINISTACK_HOST: "127.0.0.1",
      MINISTACK_ACCOUNT_ID: options.accountId,
      MINISTACK_REGION: options.region,
      AWS_DEFAULT_REGION: options.region,
      AUTH: "true",
      // In the environment, which only the user can read, unlike the command line.
      AWS_ACCESS_KEY_ID: options.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: options.credentials.secretAccessKey,
      LAUNCHER_TOKEN: options.launcherToken,
      // The child has another working folder.
      ...(recording === "" ? {} : { LAUNCHER_RECORDING: resolve(recording) }),
      SERVICES: miniStackServices.join(","),
      LOG_LEVEL: "WARNING",
      PYTHONUNBUFFERED: "1",
      // Everything stays in memory: the stack's data never outlives the emulator, and a ranged GET of a persisted
      // object reads all of it.
      PERSIST_STATE: "0",
      S3_PERSIST: "0",
    },
    cwd: temporary,
    logFile: options.logFile,
    grace: 5_000,
  });
  const start = async (): Promise<void> => {
    try {
      await healthy(child, options);
    } catch (error) {
      await child.stop();
      throw error;
    }
  };
  return { ready: start(), ended: child.ended, stop: () => child.stop() };
}

async function healthy(child: GuardedProcess, options: MiniStackOptions): Promise<void> {
  const deadline = Date.now() + miniStackStartLimit;
  let end: string | undefined;
  void child.ended.then((how) => {
    end = how;
  });
  for (;;) {
    options.signal?.throwIfAborted();
    const problem =
      end !== undefined
        ? `MiniStack ended before it was ready (${end}).`
        : Date.now() > deadline
          ? `MiniStack was not ready after ${miniStackStartLimit / 1000} s.`
          : undefined;
    if (problem !== undefined) {
      throw new MiniStackError(`${problem} The end of ${options.logFile}:\n${await logTail(options.logFile)}`);
    }
    if (await isHealthy(options.socketPath)) return;
    await sleep(50);
  }
}

async function isHealthy(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const request = httpRequest({ socketPath, path: "/_ministack/health", timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    // Not listening yet, or too slow.
    request.on("error", () => {
      resolve(false);
    });
    request.end();
  });
}
