/**
 * Detects when a model server accepts requests: TorchServe answers /ping before its model is loaded, so the state of
 * its workers is checked, too.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { get } from "./http.ts";
import type { ServerSocket } from "./http.ts";

/** Folders of a model server, from which it is found. */
export interface ServerPlace {
  /** TorchServe's working folder: it writes its tokens to key_file.json there when it starts. */
  readonly base: string;
  /** The folder of its sockets, `inference` and `management`, and of its workers' sockets. */
  readonly temporary: string;
}

/** Tokens that TorchServe requires. Source: TorchServe's documentation, "Token Authorization". */
const keyFile = z.object({ inference: z.object({ key: z.string() }), management: z.object({ key: z.string() }) });

/** Answer of TorchServe's management API to GET /models/model, as far as it is used here. */
const description = z.array(
  z.object({
    minWorkers: z.number(),
    workers: z.array(z.object({ status: z.string(), pid: z.number() })),
  }),
);

/** Time limit of a probe: SageMaker requires an answer to /ping within 2 s. */
const probeLimit = 2_000;
const pause = 250;

/**
 * Number of failed loads that count as final: TorchServe restarts a worker that ends while it loads the model for five
 * minutes.
 */
const attempts = 3;

/** The model cannot be loaded. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}

/** Sockets of a running model server. */
export interface ServerSockets {
  readonly inference: ServerSocket;
  readonly management: ServerSocket;
}

/**
 * Resolves, with the server's sockets, when the server is ready. Rejects with LoadError, or with the reason of `signal`
 * if that aborts.
 */
export async function untilReady(place: ServerPlace, signal: AbortSignal): Promise<ServerSockets> {
  const pids = new Set<number>();
  for (;;) {
    const sockets = await socketsOf(place);
    const models = sockets === undefined ? undefined : await describe(sockets, signal);
    if (sockets !== undefined && models?.every(hasAllWorkers) === true) return sockets;
    let workers = 0;
    for (const model of models ?? []) {
      workers += model.minWorkers;
      for (const { pid } of model.workers) if (pid > 0) pids.add(pid);
    }
    if (pids.size > attempts * Math.max(1, workers)) {
      throw new LoadError(`The model cannot be loaded: its workers have ended ${attempts} times while they loaded it`);
    }
    // An aborted sleep rejects with a plain AbortError; the signal has the reason.
    await sleep(pause, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

/**
 * Resolves when a container answers GET /ping with status 200 (developer guide, "Use Your Own Inference Code with
 * Hosting Services"). Rejects with the reason of `signal` if that aborts.
 */
export async function untilHealthy(socket: ServerSocket, signal: AbortSignal): Promise<void> {
  for (;;) {
    const probe = AbortSignal.any([signal, AbortSignal.timeout(probeLimit)]);
    // Not listening yet, or too slow.
    const [status] = await get(socket, "/ping", probe).catch(() => [undefined]);
    signal.throwIfAborted();
    if (status === 200) return;
    await sleep(pause, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

function hasAllWorkers({ minWorkers, workers }: Description): boolean {
  return workers.length > 0 && workers.length >= minWorkers && workers.every(({ status }) => status === "READY");
}

type Description = z.infer<typeof description>[number];

/** Returns the server's sockets; undefined while it has not written its tokens. */
async function socketsOf({ base, temporary }: ServerPlace): Promise<ServerSockets | undefined> {
  try {
    const { inference, management } = keyFile.parse(JSON.parse(await readFile(join(base, "key_file.json"), "utf8")));
    return {
      inference: { socketPath: join(temporary, "inference"), token: inference.key },
      management: { socketPath: join(temporary, "management"), token: management.key },
    };
  } catch {
    // Missing, or not written completely.
    return undefined;
  }
}

/** Returns the server's description of its models; undefined while it does not answer correctly. */
async function describe(
  { inference, management }: ServerSockets,
  signal: AbortSignal,
): Promise<Description[] | undefined> {
  try {
    const probe = () => AbortSignal.any([signal, AbortSignal.timeout(probeLimit)]);
    const [ping] = await get(inference, "/ping", probe());
    if (ping !== 200) return undefined;
    const [, answer] = await get(management, "/models/model", probe());
    const models = description.safeParse(JSON.parse(answer));
    return models.success && models.data.length > 0 ? models.data : undefined;
  } catch {
    signal.throwIfAborted();
    // Not listening yet, or too busy to answer.
    return undefined;
  }
}
