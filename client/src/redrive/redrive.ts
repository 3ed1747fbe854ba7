/** Sends failed jobs again, each once, from the error queue or from a job journal. */
import { knownJob } from "../jobs-file.ts";
import { statusOf } from "../known-jobs.ts";
import { inParallel } from "../parallel.ts";
import type { Stack } from "../stack.ts";
import { isBadInput, reasonOf } from "../failure.ts";
import { readFailure } from "../wait.ts";
import { batch, ErrorQueue } from "./error-queue.ts";
import type { HeldMessage } from "./error-queue.ts";
import { readMessage, smokePrefix } from "./message.ts";
import { Resender } from "./resender.ts";
import type { RedriveJournal, ResendOptions, ResendOutcome } from "./resender.ts";

/** Outcome for one message or job. */
export type Outcome =
  | ({
      readonly inferenceId: string;
      readonly reason: string | undefined;
      /** Of a message that was returned to the error queue. */
      readonly deliveries?: Deliveries;
    } & (ResendOutcome | { readonly kind: "deleted-bad-input" | "unreachable" }))
  /** Deleted: a message of the smoke test, or SageMaker's test of the topic. */
  | { readonly kind: "smoke" | "test" }
  /** Moved to the dead-letter queue. */
  | { readonly kind: "unreadable" };

/** Deliveries of a message by SQS, including this one, and their maximum before it goes to the dead-letter queue. */
export interface Deliveries {
  readonly count: number;
  readonly max: number;
}

/** Default number of jobs that one run sends: no run is endless, even if jobs keep failing. */
export const defaultJobsPerRun = 1000;

/** Default number of times that one job is sent again, over all runs. */
export const defaultResends = 3;

/** Options for a redrive. */
export interface RedriveOptions extends ResendOptions {
  /** Deletes messages of the error queue whose videos the model refused. @default false */
  readonly deleteBadInput?: boolean | undefined;
  /** Called for each message or job that is sent, deleted or moved. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
}

/**
 * Reads the error queue until it is empty or the limit is reached. It deletes a message when its job is sent and the
 * journal has the acceptance, moves jobs that keep failing or whose videos have changed, and unreadable messages, to the
 * dead-letter queue, and returns everything else for another run. Without a journal to write to, it returns every message.
 * @throws AbortError on the caller's signal; the SDK's error if queue or endpoint refuse: nothing is lost, messages
 * that were not handled come back
 */
export async function redriveQueue(stack: Stack, journal: RedriveJournal, options: RedriveOptions): Promise<void> {
  using queue = new ErrorQueue(stack);
  const resender = new Resender(stack, journal, options);
  const keep = new Set<HeldMessage>();
  let max: Promise<number | undefined> | undefined;
  try {
    while (resender.left > 0) {
      options.signal?.throwIfAborted();
      const messages = await queue.receive(Math.min(resender.left, batch), options.signal);
      if (messages.length === 0) return;
      for (const message of messages) keep.add(message);
      await inParallel(messages, batch, async (message) => {
        const outcome = await outcomeOf(stack, message, resender, options);
        const action = "plan" in journal ? messageActions[outcome.kind] : "release";
        if (action === "release") {
          max ??= queue.maxDeliveries();
          options.onOutcome?.(withDeliveries(outcome, message, await max));
          return;
        }
        await queue[action]([message]);
        keep.delete(message);
        options.onOutcome?.(outcome);
      });
    }
  } finally {
    // Messages that cannot be returned now come back later; this error must not hide the one that ended the run.
    await queue.release([...keep]).catch(() => undefined);
  }
}

/**
 * Adds the delivery count to an outcome: every delivery counts, also that of a message that is returned, so each one
 * that stays shows how many are left.
 */
function withDeliveries(outcome: Outcome, { deliveries }: HeldMessage, max: number | undefined): Outcome {
  if (max === undefined || !("inferenceId" in outcome)) return outcome;
  return { ...outcome, deliveries: { count: deliveries, max } };
}

/** Method of the error queue for the message of an outcome; released messages are returned together at the end. */
const messageActions: Readonly<Record<Outcome["kind"], "moveToDeadLetters" | "delete" | "release">> = {
  sent: "delete",
  "would-send": "release",
  "already-sent": "delete",
  smoke: "delete",
  test: "delete",
  poison: "moveToDeadLetters",
  refused: "moveToDeadLetters",
  changed: "moveToDeadLetters",
  "no-input": "moveToDeadLetters",
  unreadable: "moveToDeadLetters",
  "deleted-bad-input": "delete",
  "bad-input": "release",
  "failed-again": "release",
  "over-limit": "release",
  unreachable: "release",
};

async function outcomeOf(
  stack: Stack,
  { body }: HeldMessage,
  resender: Resender,
  { signal, deleteBadInput = false }: RedriveOptions,
): Promise<Outcome> {
  const message = readMessage(body);
  if (message.kind !== "failure") return message;
  const { inferenceId, reason = "" } = message;
  // A message does not have the location of the failure object; the journal or the record does.
  const job = (await resender.known(inferenceId))?.job;
  const failure = job === undefined ? undefined : await readFailure(stack, job, signal);
  const failed = { ...message, isBadInput: isBadInput(reason) || failure?.isBadInput === true };
  const sent = await resender.resend(failed);
  const isDeleted = failed.isBadInput && ["bad-input", "changed"].includes(sent.kind) && deleteBadInput;
  const outcome = isDeleted ? ({ kind: "deleted-bad-input" } as const) : sent;
  const sentReason = reason.trim() === "" ? undefined : reasonOf(reason);
  return { inferenceId, reason: failure?.reason ?? sentReason, ...outcome };
}

/** Number of jobs that are sent at a time. */
const concurrency = 8;

/**
 * Sends again the jobs of a journal that have failed or, presumably, expired. The new jobs are written to the same
 * journal, so that a second run recognises them.
 * @throws as {@link redriveQueue}
 */
export async function redriveJournal(stack: Stack, journal: RedriveJournal, options: RedriveOptions): Promise<void> {
  const resender = new Resender(stack, journal, options);
  const jobs = [...journal.entries].flatMap(([inferenceId, entry]) =>
    inferenceId.startsWith(smokePrefix) ? [] : [knownJob(inferenceId, entry)],
  );
  const withStatus = await statusOf(stack, { jobs, journals: [] }, options.signal);
  await inParallel(withStatus, concurrency, async ({ known: { inferenceId, job }, state }) => {
    if (state?.status === "unreachable") {
      options.onOutcome?.({ inferenceId, reason: state.reason, kind: "unreachable" });
      return;
    }
    if (job === undefined || (state?.status !== "failed" && state?.status !== "expired")) return;
    options.signal?.throwIfAborted();
    // Also for a recorded end: the record has only the reason.
    const failure = state.status === "failed" ? await readFailure(stack, job, options.signal) : undefined;
    const reason = state.status === "failed" ? (failure?.reason ?? state.reason) : "expired, presumably";
    const failed = { ...job, isBadInput: failure?.isBadInput === true };
    options.onOutcome?.({ inferenceId, reason, ...(await resender.resend(failed)) });
  });
}
