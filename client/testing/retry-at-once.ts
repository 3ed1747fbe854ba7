/** For tests: the AWS SDK's retries without its pauses, which are up to several seconds of real time. */
import { StandardRetryStrategy } from "@smithy/core/retry";
import type { Stack } from "../src/stack.ts";

/** Lets a stack's clients retry what they retry otherwise, and as often, but at once. Returns the stack. */
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
