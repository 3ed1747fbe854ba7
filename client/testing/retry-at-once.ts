/** For tests: the AWS SDK's retries without its pauses, which take up to several seconds of real time. */
import { StandardRetryStrategy } from "@smithy/core/retry";
import type { Stack } from "../src/stack.ts";

/**
 * Removes the pauses between the retries of a stack's clients; the errors and number of retries stay the same. Returns
 * the stack.
 */
export function retryAtOnce(stack: Stack): Stack {
  for (const { config } of [stack.s3, stack.sagemaker, stack.runtime, stack.cloudwatch]) {
    const { maxAttempts } = config;
    const strategy = (async () => {
      const backoff = { setDelayBase: () => undefined, computeNextBackoffDelay: () => 0 };
      return new StandardRetryStrategy({ maxAttempts: await maxAttempts(), backoff });
    })();
    config.retryStrategy = () => strategy;
  }
  return stack;
}
