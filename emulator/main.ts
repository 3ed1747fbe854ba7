/**
 * Runs the emulator as a process: `node emulator/main.ts --port 4566 --speed 1 --state-dir DIR`; prints one line of
 * JSON when it is ready.
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { ministackPython, repoRoot, servingPython } from "../tools/paths.mjs";
import { createEmulator } from "./aws.ts";
import { defaultPort } from "./gateway/gateway.ts";

const help = `Usage: node emulator/main.ts --state-dir DIR [--port ${defaultPort}] [--speed 1]

Runs the emulator until SIGTERM or SIGINT, or until the process that started it with an IPC channel ends;
after the message "stay" on that channel, it outlives that process.
Prints one line of JSON when it is ready: url, providerPort, pid, region, accountId, and credentials, the
random key pair that requests must be signed with. Requests for MiniStack wait until it has started. If it
breaks later, it prints one more line of JSON: error, the reason.

  --state-dir DIR  for data and logs
  --port P         port on 127.0.0.1; 0 takes a free port
  --speed N        clock speed-up while the emulator is idle`;

const wholeNumber = (least: number, most: number) =>
  z.string().regex(/^\d+$/, "must be a whole number").transform(Number).pipe(z.number().min(least).max(most));

const argumentsSchema = z.object({
  "state-dir": z.string({ error: "is required" }).min(1),
  port: wholeNumber(0, 65_535).default(defaultPort),
  speed: wholeNumber(1, 3_600).default(1),
});

/** The command line is invalid. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

function readArguments(args: string[]): z.infer<typeof argumentsSchema> | undefined {
  const string = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  let values: Record<string, unknown>;
  try {
    // --json is the only output format; callers may pass it.
    const options = { "state-dir": string, port: string, speed: string, json: flag, help: flag };
    values = parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${help}`);
  }
  if (values["help"] === true) return undefined;
  const parsed = argumentsSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `--${path.join(".")}: ${message}`);
  throw new UsageError(`${problems.join("; ")}\n${help}`);
}

async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2));
  if (options === undefined) {
    console.log(help);
    return;
  }
  const end = new AbortController();
  const stop = (): void => {
    end.abort();
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);
  process.on("disconnect", stop);
  process.on("message", (message) => {
    if (message !== "stay") return;
    process.off("disconnect", stop);
    process.disconnect();
  });
  const aws = await createEmulator({
    port: options.port,
    speed: options.speed,
    stateDir: options["state-dir"],
    ministackPython,
    servingPython,
    programDirectory: join(repoRoot, "infra"),
    signal: end.signal,
  });
  const asked = new Promise<undefined>((resolve) => {
    const done = (): void => {
      resolve(undefined);
    };
    end.signal.addEventListener("abort", done);
    if (end.signal.aborted) done();
  });
  const { url, providerPort, region, accountId, credentials } = aws;
  process.stdout.on("error", () => {
    // The reader has closed the pipe: it lets this process outlive it.
  });
  const say = (said: object): void => void process.stdout.write(`${JSON.stringify(said)}\n`);
  say({ url, providerPort, pid: process.pid, region, accountId, credentials });
  const broken = await Promise.race([asked, aws.broken]);
  // Before the stop makes calls under way fail with less helpful reasons.
  if (broken !== undefined) say({ error: broken.message });
  await aws.stop();
  if (broken !== undefined) throw broken;
}

try {
  await main();
  // Open handles, such as an IPC channel, must not keep the process alive.
  process.exit(0);
} catch (error) {
  const wasAsked = error instanceof Error && error.name === "AbortError";
  // The process that started the emulator shows the last line to people.
  if (!wasAsked) console.error(error instanceof Error ? error.message : error);
  process.exit(wasAsked ? 0 : error instanceof UsageError ? 2 : 1);
}
