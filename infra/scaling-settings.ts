/** The settings of the scaling, with their valid values. */
import { z } from "zod";
import { defaults } from "./defaults.ts";
import { minuteOf } from "./scaling.ts";
import { json, positiveNumber, settings, wholeNumber } from "./setting-types.ts";

/** AWS sets no limit on cooldowns; more than a day is probably a typing error. */
const maxCooldown = 86_400;

/** Minutes. CloudWatch evaluates at most a day (API reference, PutMetricAlarm), and one of the alarms covers three times the setting. */
const maxIdleMinutes = 480;

/** Minutes. The alarm on idle instances evaluates the window and another hour, together at most a day. */
const maxWindow = 23 * 60;

const day = "(MON|TUE|WED|THU|FRI|SAT|SUN)";
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const windowAllowed =
  'a window {"days": DAYS_OF_CRON, "start": "HH:MM", "end": "HH:MM", "timeZone": IANA_NAME, "instances": NUMBER} of at most 23 hours, with the end after the start';

const warmWindow = json(windowAllowed)
  .pipe(
    z
      .strictObject({
        /** Application Auto Scaling user guide, "Schedule recurring scaling actions using cron expressions". */
        days: z.string().regex(new RegExp(`^${day}(-${day})?(,${day}(-${day})?)*$`)),
        start: timeOfDay,
        end: timeOfDay,
        /** An offset such as +01:00 has no summer time, and Application Auto Scaling takes only names. */
        timeZone: z
          .string()
          .regex(/^[A-Z]/)
          .refine(isTimeZone, windowAllowed),
        instances: z.int().min(1).max(1000),
      })
      .refine(({ start, end }) => {
        const length = minuteOf(end) - minuteOf(start);
        return length > 0 && length <= maxWindow;
      }, windowAllowed),
  )
  .optional()
  .register(settings, {
    allowed: windowAllowed,
    example: `'{"days":"MON-FRI","start":"08:00","end":"18:00","timeZone":"Europe/Berlin","instances":1}'`,
  });

/** Settings of the scaling. */
export const scalingSettings = {
  minCapacity: wholeNumber(0, 1000, defaults.minCapacity).describe(
    "Minimum number of instances. The policy pack refuses more than 0.",
  ),
  maxCapacity: wholeNumber(1, 1000, defaults.maxCapacity).describe("Maximum number of instances."),
  backlogTarget: positiveNumber(1000, defaults.backlogTarget).describe(
    "Number of queued and running videos per instance that scaling aims for.",
  ),
  scaleIn: z
    .enum(["idle", "tracking"])
    .default(defaults.scaleIn)
    .register(settings, { allowed: "idle or tracking", example: defaults.scaleIn })
    .describe(
      "When instances stop. `idle`: when nothing is queued or running. `tracking`: by target tracking, as in the blog post, also while videos run.",
    ),
  idleMinutes: wholeNumber(1, maxIdleMinutes, defaults.idleMinutes, " (minutes)").describe(
    "With `scaleIn` idle: minutes without a video after which all instances stop. They also stop if two thirds of the last three times as many minutes had none.",
  ),
  scaleInCooldown: wholeNumber(0, maxCooldown, defaults.scaleInCooldown, " (seconds)").describe(
    "With `scaleIn` tracking: minimum time between two scale-ins.",
  ),
  scaleOutCooldown: wholeNumber(0, maxCooldown, defaults.scaleOutCooldown, " (seconds)").describe(
    "Minimum time between two scale-outs.",
  ),
  warmWindow: warmWindow.describe(
    "Hours of the day with a minimum number of instances, billed also while idle. By default none.",
  ),
};
