/** For the handler's end-to-end tests: serves an artifact with Ray Serve as AWS's Ray Serve image does. */

import { once } from "node:events";
import { appendFile, copyFile, mkdir, readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { extract } from "tar";
import { logTail, startGuarded } from "../processes/guarded.ts";
import type { GuardedProcess } from "../processes/guarded.ts";
import { freePorts } from "../../lib/ports.ts";
import { ray, repoRoot } from "../../tools/paths.mjs";
import { descendantsOf, eventually } from "../../lib/testing/processes.ts";
import type { Answer } from "./torchserve.ts";

/**
 * Commands that AWS's image runs before its adapter starts (aws/deep-learning-containers,
 * scripts/docker/ray/sagemaker_entrypoint.sh).
 */
const entryPoint = `
ray start --head --port="$GCS_PORT" --include-dashboard=False --num-gpus=0 --node-ip-address=127.0.0.1 \
  --ray-client-server-port="$CLIENT_PORT" --dashboard-agent-listen-port="$AGENT_PORT" --temp-dir="$BASE" \
  --object-store-memory=200000000 --disable-usage-stats
serve start --http-host=127.0.0.1 --http-port="$HTTP_PORT"
exec serve run "$MODEL/config.yaml"`;

/** Time limits from the start of the server to its readiness, and from a request to its answer, ms. */
const patience = { healthy: 300_000, answer: 240_000, health: 5_000 };

/** Options for Ray Serve. */
export interface RayServeOptions {
  /** An empty folder for everything that the server writes. */
  readonly folder: string;
  /** Path of a model.tar.gz. */
  readonly artifact: string;
  /** The container's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Path of a Python file that each worker imports. @default none */
  readonly standIn?: string;
}

/** A running Ray Serve that deploys an artifact. */
export class RayServe {
  readonly logFile: string;
  readonly #server: GuardedProcess;
  readonly #port: number;

  private constructor(server: GuardedProcess, port: number, logFile: string) {
    this.#server = server;
    this.#port = port;
    this.logFile = logFile;
  }

  /** Unpacks an artifact and starts Ray Serve with it; the server is not ready yet. */
  static async start({ folder, artifact, environment, standIn }: RayServeOptions): Promise<RayServe> {
    const model = join(folder, "model");
    await mkdir(model, { recursive: true });
    await extract({ file: artifact, cwd: model });
    if (standIn !== undefined) {
      await copyFile(standIn, join(model, "code", "stand_in.py"));
      await appendFile(join(model, "deployment.py"), "\nimport stand_in\n");
    }
    const [gcs = 0, client = 0, agent = 0, http = 0] = await freePorts(4);
    const logFile = join(folder, "ray.log");
    const server = await startGuarded({
      python: ray.python,
      command: ["/bin/sh", "-ec", entryPoint],
      env: {
        ...environment,
        PATH: `${dirname(ray.python)}:/usr/bin:/bin`,
        HOME: folder,
        PYTHONPATH: [model, join(model, "code"), join(repoRoot, "model", "ray_serve", "loopback")].join(":"),
        PYTHONUNBUFFERED: "1",
        MODEL: model,
        BASE: join(folder, "ray"),
        // If off, Ray takes 127.0.0.1 for this machine's address instead of the one that other machines see.
        RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER: "0",
        RAY_ADDRESS: `127.0.0.1:${gcs}`,
        GCS_PORT: String(gcs),
        CLIENT_PORT: String(client),
        AGENT_PORT: String(agent),
        HTTP_PORT: String(http),
      },
      cwd: folder,
      logFile,
      grace: 10_000,
    });
    return new RayServe(server, http, logFile);
  }

  /** Tells whether the adapter's /ping would answer 200: it calls Ray Serve's health check. */
  async isHealthy(): Promise<boolean> {
    const url = `http://127.0.0.1:${this.#port}/-/healthz`;
    const health = await fetch(url, { signal: AbortSignal.timeout(patience.health) }).catch(() => undefined);
    return health?.ok === true;
  }

  /** Resolves when the server is healthy; stops it and fails after the time limit. */
  async untilHealthy(): Promise<void> {
    try {
      await this.until("Ray Serve is healthy", () => this.isHealthy());
    } catch (error) {
      await this.stop();
      throw new Error(`Ray Serve did not start: ${await logTail(this.logFile)}`, { cause: error });
    }
  }

  /** Resolves when a condition of the running server holds; fails if the server ends or takes too long. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    let ended: string | undefined;
    void this.#server.ended.then((how) => (ended = how));
    await eventually(
      what,
      async () => {
        if (ended !== undefined) throw new Error(`Ray Serve ended with ${ended}: ${await logTail(this.logFile)}`);
        return await holds();
      },
      patience.healthy,
    );
  }

  /** Returns the process ids of the living workers, in ascending order, by Ray's process titles. */
  async workers(): Promise<number[]> {
    const found: number[] = [];
    for (const pid of await descendantsOf(process.pid)) {
      // A process may end in the meantime.
      const title = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (title.startsWith("ray::ServeReplica:")) found.push(pid);
    }
    return found.sort((a, b) => a - b);
  }

  /** Resolves when another process has replaced exactly one of these workers. */
  async untilReplaced(before: readonly number[]): Promise<void> {
    await this.until("a worker is replaced", async () => {
      const now = await this.workers();
      return now.length === before.length && now.filter((pid) => !before.includes(pid)).length === 1;
    });
  }

  /** Returns everything that the server has logged so far. */
  async log(): Promise<string> {
    return await readFile(this.logFile, "utf8");
  }

  /** Sends a body as the image's adapter does; the names of headers keep their spelling. */
  async ask(body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const request = httpRequest({
      host: "127.0.0.1",
      port: this.#port,
      method: "POST",
      headers: { ...headers, "Content-Length": body.length },
      signal: AbortSignal.timeout(patience.answer),
    });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return {
      status: response.statusCode ?? 0,
      type: response.headers["content-type"],
      text: await text(response),
    };
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}
