/** Tests the policy on hours with a minimum number of instances. */
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownNumber } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";
import { variant } from "./testing/scaled-endpoint.ts";
import { warmWindowLimit } from "./warm-window.ts";

const start: TestResource = {
  type: "aws:appautoscaling/scheduledAction:ScheduledAction",
  name: "warm-start",
  props: {
    ...variant,
    schedule: "cron(0 8 ? * MON-FRI *)",
    timezone: "Europe/Berlin",
    scalableTargetAction: { minCapacity: 1 },
  },
};
const end: TestResource = {
  ...withProps(start, { schedule: "cron(30 18 ? * MON-FRI *)", scalableTargetAction: { minCapacity: 0 } }),
  name: "warm-end",
};

const notReturned =
  /returns the minimum number of instances to zero after 'warm-start'\. Add one for the same resourceId/;

policyTests(warmWindowLimit, {
  good: [start, end],
  passes: {
    "no scheduled action": [],
    "only a return to zero": [end],
    "scheduled actions of another service": [withProps(start, { serviceNamespace: "dynamodb" })],
    "two windows a day": [
      start,
      withProps(end, { schedule: "cron(0 12 ? * MON-FRI *)" }),
      { ...withProps(start, { schedule: "cron(0 14 ? * MON-FRI *)" }), name: "second-start" },
      { ...end, name: "second-end" },
    ],
  },
  refuses: {
    "more instances": [
      [withProps(start, { scalableTargetAction: { minCapacity: 2 } }), end],
      /'warm-start' keeps 2 instances running.*minCapacity to at most 1/,
    ],
    "no return to zero": [[start], notReturned],
    "a return to a number above zero": [
      [start, withProps(end, { scalableTargetAction: { maxCapacity: undefined } })],
      notReturned,
    ],
    "a return on other days": [[start, withProps(end, { schedule: "cron(30 18 ? * MON-THU *)" })], notReturned],
    "a return in another time zone": [[start, withProps(end, { timezone: "Etc/UTC" })], notReturned],
    "a return that ends some day": [[start, withProps(end, { endTime: "2030-01-01T00:00:00Z" })], notReturned],
    "a return for another endpoint": [
      [start, withProps(end, { resourceId: "endpoint/other/variant/AllTraffic" })],
      notReturned,
    ],
    "a return before the start": [[start, withProps(end, { schedule: "cron(0 7 ? * MON-FRI *)" })], notReturned],
    "a schedule of another form": [[withProps(start, { schedule: "rate(1 day)" }), end], notReturned],
    "a longer window": [
      [start, withProps(end, { schedule: "cron(30 20 ? * MON-FRI *)" })],
      /'warm-start' keeps instances for 12\.5 hours\. The limit is 12/,
    ],
    "a change of the maximum": [
      [start, withProps(end, { scalableTargetAction: { minCapacity: 0, maxCapacity: 100 } })],
      /'warm-end' changes the maximum number of instances.*Remove scalableTargetAction\.maxCapacity/,
    ],
  },
  unknown: [withProps(start, { scalableTargetAction: { minCapacity: unknownNumber } }), end],
  stricter: { hours: 8 },
});
