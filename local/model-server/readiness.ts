/** When a model server can take requests: TorchServe answers /ping before its model is loaded, so its workers are asked too. */

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** Answer of TorchServe's management API to GET /models/model, as far as it is read here. */
const description = z.array(
  z.object({
    minWorkers: z.number(),
    workers: z.array(z.object({ status: z.string() })),
  }),
);

/** A probe that hangs says no; SageMaker wants /ping within 2 s. */
const probeLimit = 2_000;
const pause = 100;

/** Resolves when the server is ready; rejects with the reason of `signal` once that aborts. */
export async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  while (!(await isReady(url, signal))) await sleep(pause, undefined, { signal });
}

async function isReady(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const probe = () => ({ signal: AbortSignal.any([signal, AbortSignal.timeout(probeLimit)]) });
    const ping = await fetch(`${url}/ping`, probe());
    await ping.arrayBuffer();
    if (!ping.ok) return false;
    const answer = await fetch(`${url}/models/model`, probe());
    const models = description.safeParse(await answer.json());
    return (
      models.success &&
      models.data.length > 0 &&
      models.data.every(
        ({ minWorkers, workers }) =>
          workers.length >= minWorkers && workers.length > 0 && workers.every(({ status }) => status === "READY"),
      )
    );
  } catch {
    signal.throwIfAborted();
    // Not listening yet, or too busy to answer.
    return false;
  }
}
