/** The policy on hours with a minimum number of instances. */
import type { ScheduledActionArgs } from "@pulumi/aws/appautoscaling/scheduledAction.js";
import { stackPolicy } from "./policy.ts";
import { ofType } from "./resources.ts";
import type { Typed } from "./resources.ts";
import { countsVariantInstances } from "./scaling.ts";
import { evaluateEach } from "./unknown.ts";

/** A scheduled action is the only way to keep idle instances that `min-capacity-zero` does not see. */
export const warmWindowLimit = stackPolicy({
  name: "warm-window-limit",
  description:
    "Scheduled actions may keep few instances of an endpoint variant for some hours of a day, and must return its minimum to zero. The instances are billed while idle.",
  config: {
    instances: { type: "integer", minimum: 0, default: 1, description: "Maximum of the minimum number of instances." },
    hours: { type: "number", minimum: 0, maximum: 24, default: 12, description: "Maximum length of a window (h)." },
  },
  validate: (args, reportViolation) => {
    const { instances, hours } = args.getConfig<{ instances: number; hours: number }>();
    const actions = ofType<ScheduledActionArgs>(
      args.resources,
      "aws:appautoscaling/scheduledAction:ScheduledAction",
    ).filter(({ props }) => countsVariantInstances(props));
    evaluateEach(actions, reportViolation, (action) => {
      const { name, urn, props } = action;
      const { minCapacity = 0, maxCapacity } = props.scalableTargetAction;
      if (maxCapacity !== undefined) {
        reportViolation(
          `The scheduled action '${name}' changes the maximum number of instances, which other policies limit. ` +
            `Remove scalableTargetAction.maxCapacity, and set maxCapacity of the scalable target.`,
          urn,
        );
      }
      if (minCapacity === 0) return;
      if (minCapacity > instances) {
        reportViolation(
          `The scheduled action '${name}' keeps ${minCapacity} instances running while nothing is queued. The limit is ${instances}. ` +
            `Set its scalableTargetAction.minCapacity to at most ${instances}, or raise instances in the policy's config.`,
          urn,
        );
        return;
      }
      const lengths = actions.flatMap((other) => windowHours(action, other) ?? []);
      const length = Math.min(...lengths);
      if (lengths.length === 0) {
        reportViolation(
          `No scheduled action returns the minimum number of instances to zero after '${name}'. Add one for the same resourceId with minCapacity 0, ` +
            `the same timezone, and a later time in the schedule. Both schedules must have the form cron(MINUTE HOUR ? * DAYS *).`,
          urn,
        );
      } else if (length > hours) {
        reportViolation(
          `The scheduled action '${name}' keeps instances for ${length.toFixed(1)} hours. The limit is ${hours}. ` +
            `Shorten the window between the two schedules, or raise hours in the policy's config.`,
          urn,
        );
      }
    });
  },
});

/** Returns the hours from one scheduled action to another that returns the minimum to zero on the same days; undefined if it does not. */
function windowHours(from: Typed<ScheduledActionArgs>, to: Typed<ScheduledActionArgs>): number | undefined {
  const { resourceId, timezone, schedule } = from.props;
  if (to.props.scalableTargetAction.minCapacity !== 0 || to.props.endTime !== undefined) return undefined;
  if (to.props.resourceId !== resourceId || to.props.timezone !== timezone) return undefined;
  const [start, end] = [dailyTime(schedule), dailyTime(to.props.schedule)];
  if (start === undefined || start.days !== end?.days || start.hour >= end.hour) return undefined;
  return end.hour - start.hour;
}

/** Reads a cron expression for one time of the day on days of the week. */
function dailyTime(schedule: string): { hour: number; days: string } | undefined {
  const { minute, hour, days } =
    /^cron\((?<minute>\d{1,2}) (?<hour>\d{1,2}) \? \* (?<days>[A-Z0-9*,-]+) \*\)$/.exec(schedule)?.groups ?? {};
  return days === undefined ? undefined : { hour: Number(hour) + Number(minute) / 60, days };
}
