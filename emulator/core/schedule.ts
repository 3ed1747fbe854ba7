/** Schedules of scheduled actions: at, rate and cron expressions (API reference, PutScheduledAction). */

import { Cron } from "croner";

/** A schedule expression or time zone is invalid; the message says why. */
export class ScheduleError extends Error {
  override readonly name = "ScheduleError";
}

/** Moments, ms since the epoch. */
export interface Schedule {
  /** Returns the first moment after `after`; undefined if there is none. */
  next(after: number): number | undefined;
}

const units: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * Parses `at(yyyy-mm-ddThh:mm:ss)`, `rate(value unit)` or `cron(fields)`.
 * @param timezone IANA name of the time zone of at and cron expressions
 * @param origin moment from which a rate counts, ms since the epoch
 * @throws {ScheduleError} for an invalid expression or time zone
 */
export function parseSchedule(expression: string, timezone: string, origin: number): Schedule {
  const { kind, content = "" } = /^(?<kind>at|rate|cron)\((?<content>.*)\)$/.exec(expression)?.groups ?? {};
  switch (kind) {
    case "at":
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(content)) throw invalid(expression);
      return cronSchedule(expression, content, timezone);
    case "rate":
      return rateSchedule(expression, content, origin);
    case "cron":
      return cronSchedule(expression, cronPattern(expression, content), timezone);
    default:
      throw invalid(expression);
  }
}

function invalid(expression: string, reason = "use at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(six fields)") {
  return new ScheduleError(`Invalid schedule expression ${expression}: ${reason}.`);
}

/** The first moment is one period after the origin. Not confirmed for a rate with a start time. */
function rateSchedule(expression: string, content: string, origin: number): Schedule {
  const [, value, unit = ""] = /^([1-9]\d*) (minute|hour|day)s?$/.exec(content) ?? [];
  const length = Number(value) * (units[unit] ?? NaN);
  if (Number.isNaN(length)) throw invalid(expression);
  return { next: (after) => origin + Math.max(1, Math.floor((after - origin) / length) + 1) * length };
}

/** Converts six fields to a pattern of croner, which has seconds and counts days of the week from 0. */
function cronPattern(expression: string, content: string): string {
  const fields = content.trim().split(/\s+/);
  const [minutes = "", hours = "", day = "", month = "", weekday = "", year = ""] = fields;
  if (fields.length !== 6) throw invalid(expression, "a cron expression has six fields");
  // EventBridge's reference of cron expressions: one of the two must be a question mark.
  if ((day === "?") === (weekday === "?")) {
    throw invalid(expression, "exactly one of day of month and day of week is ?");
  }
  const weekdays = weekday.replaceAll(/(?<![#/\d])[1-7](?!\d)/g, (number) => String(Number(number) - 1));
  return ["0", minutes, hours, day, month, weekdays, year].join(" ").replaceAll("?", "*");
}

function cronSchedule(expression: string, pattern: string, timezone: string): Schedule {
  let cron: Cron;
  try {
    cron = new Cron(pattern, { timezone, paused: true, sloppyRanges: true });
    cron.nextRun();
  } catch (error) {
    throw invalid(expression, error instanceof Error ? error.message : String(error));
  }
  return { next: (after) => cron.nextRun(new Date(after))?.getTime() };
}
