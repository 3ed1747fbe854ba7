/** Runs clients of AWS against one emulator, and keeps the calls that they make. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../lib/files.ts";
import { childEnvironment } from "../../lib/child-environment.ts";
import { run } from "../../lib/child-process.ts";
import { startBareEnvironment } from "../testing/environment.ts";
import { callSchema } from "./calls.ts";
import type { Call } from "./calls.ts";

/** An emulator and the folders of its clients. Disposing of it stops the emulator and deletes the folders. */
export interface ClientSession extends AsyncDisposable {
  /** The folder in which a client runs. */
  folderOf(client: string): string;
  /**
   * Runs a program that is configured only by the usual environment variables of AWS's clients.
   * @param client name of the client
   * @param env further variables
   * @returns the standard output
   * @throws AssertionError with the program's output if it fails or takes more than 12 minutes
   */
  run(client: string, command: readonly [string, ...string[]], env?: NodeJS.ProcessEnv): Promise<string>;
  /** The calls of a client that makes them with botocore. */
  calls(client: string): Promise<readonly Call[]>;
}

/** Milliseconds for one command; on an idle machine, the slowest takes less than three minutes. */
const limit = 12 * 60_000;

/** Starts an emulator whose clock runs 240 times as fast as real time while it is idle. */
export async function startClientSession(): Promise<ClientSession> {
  const environment = await startBareEnvironment(240);
  const { aws, folder } = environment;
  const folderOf = (client: string): string => join(folder, "clients", client);
  const recordOf = (client: string): string => join(folder, `calls-${client}.jsonl`);
  return {
    folderOf,
    async run(client, command, env = {}) {
      const cwd = folderOf(client);
      makeFolder(cwd);
      const { status, stdout, stderr } = await run(command, {
        limit,
        cwd,
        env: {
          ...childEnvironment(process.env),
          // No configuration of this machine's user.
          HOME: cwd,
          AWS_ENDPOINT_URL: aws.url,
          AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
          AWS_REGION: aws.region,
          AWS_DEFAULT_REGION: aws.region,
          PYTHONPATH: join(import.meta.dirname, "recording"),
          CLIENT_CALLS: recordOf(client),
          ...env,
        },
      });
      assert.equal(status, 0, `${command.join(" ")} ended with status ${status}:\n${stdout}${stderr}`);
      return stdout;
    },
    async calls(client) {
      const lines = (await readFile(recordOf(client), "utf8")).trimEnd().split("\n");
      return lines.map((line) => callSchema.parse(JSON.parse(line)));
    },
    [Symbol.asyncDispose]: () => environment[Symbol.asyncDispose](),
  };
}
