/** When a model server can take requests: TorchServe answers /ping before its model is loaded, so its workers are asked too. */

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** Answer of TorchServe's management API to GET /models/model, as far as it is read here. */
const description = z.array(
  z.object({
    minWorkers: z.number(),
    workers: z.array(z.object({ status: z.string(), pid: z.number() })),
  }),
);

/** A probe that hangs says no; SageMaker wants /ping within 2 s. */
const probeLimit = 2_000;
const pause = 250;

/** TorchServe starts a worker that ends while it loads the model again, for five minutes; we take this often for never. */
const attempts = 3;

/** The model cannot be loaded. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}

/** Resolves when the server is ready. Rejects with LoadError, or with the reason of `signal` once that aborts. */
export async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  const pids = new Set<number>();
  for (;;) {
    const models = await ask(url, signal);
    if (models?.every(hasAllWorkers) === true) return;
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

function hasAllWorkers({ minWorkers, workers }: Description): boolean {
  return workers.length > 0 && workers.length >= minWorkers && workers.every(({ status }) => status === "READY");
}

type Description = z.infer<typeof description>[number];

/** What the server says of its models; undefined while it does not answer as it should. */
async function ask(url: string, signal: AbortSignal): Promise<Description[] | undefined> {
  try {
    const probe = () => ({ signal: AbortSignal.any([signal, AbortSignal.timeout(probeLimit)]) });
    const ping = await fetch(`${url}/ping`, probe());
    await ping.arrayBuffer();
    if (!ping.ok) return undefined;
    const answer = await fetch(`${url}/models/model`, probe());
    const models = description.safeParse(await answer.json());
    return models.success && models.data.length > 0 ? models.data : undefined;
  } catch {
    signal.throwIfAborted();
    // Not listening yet, or too busy to answer.
    return undefined;
  }
}
