/** `npm run local:wait`: lets the stack's clock run fast until a moment, for example that of a scheduled action. */
import { z } from "zod";
import { poll } from "../../client/src/poll.ts";
import { createCommand, matching, wholeNumber } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { InvalidInputError, UserError } from "../../lib/errors.ts";
import { Progress } from "../../lib/progress.ts";
import { removeForeignSettings } from "./foreign-settings.ts";
import type { Ready } from "./emulator.ts";
import { postPage } from "./local-page.ts";
import { requireRunning } from "./running-stack.ts";

const answer = z.object({ now: z.iso.datetime() });

/** Options of a wait. */
export interface MomentWaitOptions {
  /** Real seconds after which the wait fails. */
  readonly limitSeconds: number;
  readonly signal: AbortSignal;
  /** Receives the stack's time repeatedly. */
  readonly onProgress?: (now: Date) => void;
}

/**
 * Lets the stack's clock run fast until a moment, and waits for it.
 * @throws UserError if the limit is reached first
 */
export async function waitUntil(
  ready: Pick<Ready, "url" | "region" | "credentials">,
  until: Date,
  { limitSeconds, signal, onProgress }: MomentWaitOptions,
): Promise<void> {
  const now = await poll(
    async () => {
      const page = await postPage(ready, "/_local/await", { until: until.toISOString() }, signal);
      const moment = new Date(answer.parse(page).now);
      onProgress?.(moment);
      return moment;
    },
    (moment) => moment >= until,
    { limitSeconds, signal, pause: { first: 0.2, longest: 1 } },
  );
  if (now >= until) return;
  throw new UserError(
    `After ${limitSeconds} real seconds, the stack's clock shows ${now.toISOString()}, not ${until.toISOString()}. Wait again, or start the stack with a larger --speed.`,
  );
}

/** Defines `local wait`. */
export function waitCommand({ stderr, environment, signal }: CommandContext) {
  return createCommand("wait", "let the stack's clock run fast until a moment")
    .description(
      "Lets the stack's clock run at its --speed until a moment, and waits for it. Without this command, the clock of a stack at rest runs at real speed, also before a scheduled action. Instance start-up and inference run in real time.",
    )
    .requiredOption(
      "--until <time>",
      "moment of the stack's clock in UTC, such as 2026-07-01T08:00:00Z",
      matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/, "takes a time in UTC, such as 2026-07-01T08:00:00Z"),
    )
    .option("--limit <seconds>", "real seconds to wait", wholeNumber("a whole number", 1, 86_400), 600)
    .addHelpText(
      "after",
      `
Example:
  npm run local:wait -- --until 2026-07-01T08:00:00Z

Exit status: 0 the moment has come; 1 not within the limit; 2 no stack is up, or invalid input;
130 interrupted by Ctrl-C.`,
    )
    .action(async ({ until, limit }) => {
      removeForeignSettings(environment);
      const moment = new Date(until);
      // JavaScript reads February 30 as March 2.
      const isInCalendar = !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(until.slice(0, -1));
      if (!isInCalendar)
        throw new InvalidInputError(`--until ${until} does not exist in the calendar: give another day or time.`);
      const ready = await requireRunning();
      const progress = new Progress(stderr);
      await progress.step(`Waiting for ${moment.toISOString()} on the stack's clock`, (step) =>
        waitUntil(ready, moment, {
          limitSeconds: limit,
          signal,
          onProgress(now) {
            step.detail(now.toISOString());
          },
        }),
      );
    });
}
