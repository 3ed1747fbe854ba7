/** For the handler's end-to-end tests: serves an artifact with TorchServe and SageMaker's toolkit. */

import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { extract } from "tar";
import { z } from "zod";
import { containerEnvironment } from "../model-server/environment.ts";
import { get, invoke } from "../model-server/http.ts";
import { untilReady } from "../model-server/readiness.ts";
import type { ServerPlace, ServerSockets } from "../model-server/readiness.ts";
import { logTail, startGuarded } from "../processes/guarded.ts";
import type { GuardedProcess } from "../processes/guarded.ts";
import { socketFolder } from "../processes/sockets.ts";
import { repoRoot, servingPython } from "../../tools/paths.mjs";
import { eventually } from "../../lib/testing/processes.ts";

const run = promisify(execFile);
const room = join(repoRoot, "model");
const starter = join(repoRoot, "emulator", "model-server", "start.py");

/**
 * Time limits from the start of the server to its workers' readiness, from a worker's end to another one's readiness,
 * and from a request to its answer, ms.
 */
const patience = { ready: 240_000, replaced: 240_000, answer: 600_000, description: 10_000 };

const modelDescription = z.array(z.object({ workers: z.array(z.object({ pid: z.number(), status: z.string() })) }));

/** An answer of the server. */
export interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

/** Options for a server. */
export interface TorchServeOptions {
  /** An empty folder for everything that the server writes. */
  readonly folder: string;
  /** Number of concurrent requests. */
  readonly workers: number;
  /** Path of a Python file that replaces the handler. @default the artifact's handler */
  readonly handler?: string;
  /** Additional variables of the container's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A TorchServe whose workers serve the small model. */
export class TorchServe {
  readonly logFile: string;
  readonly #server: GuardedProcess;
  readonly #place: ServerPlace;
  #sockets: ServerSockets | undefined;

  private constructor(server: GuardedProcess, place: ServerPlace, logFile: string) {
    this.#server = server;
    this.#place = place;
    this.logFile = logFile;
  }

  /** Packs the small model's artifact, unpacks it as a container does, and serves it. */
  static async start({ folder, workers, handler, environment }: TorchServeOptions): Promise<TorchServe> {
    const artifact = join(folder, "model.tar.gz");
    await run(servingPython, [join(room, "package.py"), "--weights", "small", "--out", artifact]);
    const base = join(folder, "instance");
    const model = join(base, "ml", "model");
    await mkdir(model, { recursive: true });
    await extract({ file: artifact, cwd: model, strict: true });
    if (handler !== undefined) await copyFile(handler, join(model, "code", "stand_in.py"));
    const temporary = await socketFolder(folder);
    const logFile = join(folder, "server.log");
    const server = await startGuarded({
      python: servingPython,
      command: [servingPython, starter, base, temporary],
      env: containerEnvironment(base, "us-east-1", {
        SAGEMAKER_MODEL_SERVER_WORKERS: String(workers),
        TS_DEFAULT_RESPONSE_TIMEOUT: "300",
        ...(handler === undefined ? {} : { SAGEMAKER_PROGRAM: "stand_in.py" }),
        ...environment,
      }),
      cwd: base,
      logFile,
      grace: 30_000,
    });
    const started = new TorchServe(server, { base, temporary }, logFile);
    try {
      await started.untilReady();
    } catch (error) {
      await started.stop();
      throw new Error(`TorchServe did not start: ${await logTail(logFile)}`, { cause: error });
    }
    return started;
  }

  /** Sends a body; the names of headers keep their spelling. */
  async ask(body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const response = await invoke(this.#ready().inference, {
      headers,
      body: Readable.from([body]),
      size: body.length,
      signal: AbortSignal.timeout(patience.answer),
      onSent: () => undefined,
    });
    return { status: response.status, type: response.contentType, text: await text(response.body) };
  }

  /** Returns the workers' process ids, in ascending order. */
  async workers(): Promise<number[]> {
    const signal = AbortSignal.timeout(patience.description);
    const [, answer] = await get(this.#ready().management, "/models/model", signal);
    const [model] = modelDescription.parse(JSON.parse(answer));
    return (model?.workers ?? []).map(({ pid }) => pid).sort((a, b) => a - b);
  }

  /** Resolves when another process has replaced exactly one of these workers. */
  async untilReplaced(before: readonly number[]): Promise<void> {
    // TorchServe calls a worker READY until it notices that the process has ended.
    await eventually(
      "a worker is replaced",
      async () => {
        await this.untilReady();
        return (await this.workers()).filter((pid) => !before.includes(pid)).length === 1;
      },
      patience.replaced,
    );
  }

  /** Returns everything that the server has logged so far. */
  async log(): Promise<string> {
    return await readFile(this.logFile, "utf8");
  }

  /** Resolves when every worker has loaded the model. */
  async untilReady(): Promise<void> {
    this.#sockets = await untilReady(this.#place, AbortSignal.timeout(patience.ready));
  }

  #ready(): ServerSockets {
    if (this.#sockets === undefined) throw new Error("The server is not ready yet.");
    return this.#sockets;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}
