/** A capacity that tests of the autoscaler control, with its alarms and metrics in virtual time. */
import { Alarms } from "./alarms.ts";
import type { AlarmSettings } from "./alarms.ts";
import type { ScalingAssumptions } from "./assumptions.ts";
import { Autoscaler } from "./autoscaler.ts";
import { MetricStore } from "./metrics.ts";
import { backlogMetric, backlogTracking, wakeStep } from "./scaling-harness.ts";
import type { StepScaling, TargetTracking } from "./scaling-policy.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Milliseconds. */
export const minute = 60_000;
/** The scalable target. */
export const resourceId = "endpoint/videos/variant/main";
/** A metric; alarms and policies of the harness add their names to it. */
const metric = { namespace: "Test", name: "Load", dimensions: {} };

/** A capacity that changes after `delay` ms, or refuses with `refusal`. */
export class CapacityHarness {
  readonly clock = new VirtualClock();
  readonly metrics = new MetricStore(this.clock);
  readonly alarms = new Alarms({ clock: this.clock, metrics: this.metrics, assumptions: { metricDelay: 0 } });
  readonly set: number[] = [];
  count: number | undefined;
  delay = 0;
  refusal: string | undefined;
  readonly autoscaler: Autoscaler;

  constructor(count?: number, assumptions: Partial<ScalingAssumptions> = {}) {
    this.count = count;
    this.autoscaler = new Autoscaler({
      clock: this.clock,
      alarms: this.alarms,
      assumptions,
      region: "us-east-1",
      accountId: "000000000000",
      capacity: {
        current: (id) => (id === resourceId ? this.count : undefined),
        set: async (_, wanted) => {
          this.set.push(wanted);
          if (this.refusal !== undefined) throw new Error(this.refusal);
          this.count = wanted;
          await new Promise<void>((resolve) => {
            this.clock.setTimer(this.clock.now() + this.delay, resolve);
          });
        },
      },
    });
  }

  /**
   * Adds an alarm on a metric with the alarm's name that runs the policy each minute while its value is above 0, or
   * below if `isBelow`.
   */
  step(name: string, changes: Partial<StepScaling>, isBelow = false): void {
    const { arn } = this.autoscaler.putPolicy(resourceId, name, { ...wakeStep, cooldown: 0, ...changes });
    const alarm: AlarmSettings = {
      name,
      watched: { metric: { ...metric, name }, statistic: "Average" },
      period: minute,
      evaluationPeriods: 1,
      threshold: 0,
      comparison: isBelow ? "LessThanThreshold" : "GreaterThanThreshold",
      treatMissingData: "notBreaching",
      actionsEnabled: true,
      actions: { OK: [], ALARM: [arn], INSUFFICIENT_DATA: [] },
    };
    this.alarms.put(alarm);
  }

  /** Adds target tracking of the metric with the policy's name. */
  track(name: string, changes: Partial<TargetTracking>): void {
    this.autoscaler.putPolicy(resourceId, name, {
      ...backlogTracking,
      watched: { ...backlogMetric, metric: { ...metric, name } },
      ...changes,
    });
  }

  /** Lets a minute pass in which the metrics have these values. */
  async pass(values: Record<string, number>, minutes = 1): Promise<void> {
    for (let index = 0; index < minutes; index += 1) {
      for (const [name, value] of Object.entries(values)) {
        this.metrics.put({ ...metric, name, timestamp: this.clock.now(), value });
      }
      await this.clock.advance(minute);
    }
  }
}
