/** Waits until CloudWatch has counted a burst's last requests: metrics come a minute or two after the requests. */
import { poll } from "../../src/poll.ts";
import type { PollOptions } from "../../src/poll.ts";
import type { Stack } from "../../src/stack.ts";
import { sumOf } from "./figures.ts";
import { readEndpointMetrics } from "./metrics.ts";
import type { EndpointMetrics } from "./metrics.ts";
import type { BurstRun } from "./run.ts";

/** Real seconds after which the available metrics are used; a note names the missing ones. */
const defaultLimitSeconds = 300;

/**
 * Reads the metrics of a burst's time repeatedly until all its completed requests are counted, or the limit is reached.
 */
export async function waitForMetrics(
  stack: Stack,
  run: BurstRun,
  options: PollOptions<EndpointMetrics> = {},
): Promise<EndpointMetrics> {
  return await poll(
    // Up to the present: the ends in the last minute of the burst, and the scale-in to zero after it.
    async () => readEndpointMetrics(stack, { start: run.startedAt, end: await stack.clock.now() }, options.signal),
    (metrics) => counted(metrics) >= run.completed && sumOf(metrics.inBacklog.count) >= run.completed,
    { ...options, limitSeconds: options.limitSeconds ?? defaultLimitSeconds },
  );
}

/** Returns the number of requests that CloudWatch has counted as processed. */
export function counted({ total }: EndpointMetrics): number {
  return sumOf(total.count);
}
