/** Asks before a command spends money. */
import { createInterface } from "node:readline";
import { UsageError } from "../../lib/errors.ts";
import type { Session } from "./session.ts";
import { describePrice, priceOf } from "./price.ts";
import type { EstimatedJobs } from "./price.ts";

/** USD up to which a command starts without a question. */
const freeUsd = 1;

/**
 * Prints the price of jobs, and asks if it is above 1 USD or unknown.
 * @param isAgreed whether the user has agreed beforehand (`--yes`)
 * @returns whether to start
 * @throws SetupError if there is no terminal; AbortError on the caller's signal
 */
export async function confirmPrice(
  estimated: EstimatedJobs,
  isAgreed: boolean,
  { stack, live, stdin, signal }: Pick<Session, "stack" | "live" | "stdin" | "signal">,
): Promise<boolean> {
  const price = priceOf(stack.outputs, estimated);
  live.say(`price: ${describePrice(stack.outputs, estimated)}`);
  if (isAgreed || price.kind === "none" || (price.kind === "at most" && price.usd <= freeUsd)) return true;
  if (!("isTTY" in stdin) || stdin.isTTY !== true) {
    throw new UsageError(
      `the price is ${price.kind === "unknown" ? "unknown" : `above ${freeUsd} USD`}, and there is no terminal to ask: add --yes to start`,
    );
  }
  live.say("Start? Type yes or no, then Enter:");
  using lines = createInterface({ input: stdin, signal });
  for await (const line of lines) return /^y(es)?$/i.test(line.trim());
  signal.throwIfAborted();
  return false;
}
