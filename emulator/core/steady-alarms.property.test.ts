/** Tests when alarms are steady, for random rules and metrics. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { Alarms } from "./alarms.ts";
import type { AlarmSettings } from "./alarms.ts";
import { MetricStore } from "./metrics.ts";
import { VirtualClock } from "./virtual-clock.ts";

const minute = 60_000;
const metric = { namespace: "N", name: "M", dimensions: {} };

const settings = fc
  .record({
    period: fc.constantFrom(1, 2, 5).map((minutes) => minutes * minute),
    evaluationPeriods: fc.integer({ min: 1, max: 4 }),
    datapointsToAlarm: fc.integer({ min: 1, max: 4 }),
    comparison: fc.constantFrom("GreaterThanOrEqualToThreshold", "LessThanThreshold"),
    statistic: fc.constantFrom("Sum", "Maximum", "Average"),
    treatMissingData: fc.constantFrom("missing", "ignore", "breaching", "notBreaching"),
  })
  .map(({ statistic, datapointsToAlarm, ...rule }): AlarmSettings => {
    return {
      ...rule,
      name: "alarm",
      watched: { metric, statistic },
      datapointsToAlarm: Math.min(datapointsToAlarm, rule.evaluationPeriods),
      threshold: 3,
      actionsEnabled: true,
      actions: { OK: [], ALARM: [], INSUFFICIENT_DATA: [] },
    };
  });

/** The metric's value of a minute; undefined for none. */
const value = fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined });
const metricDelay = fc.constantFrom(0, minute, 3 * minute);

/** An alarm on a metric that varies, and then keeps its value. */
class Harness {
  readonly clock = new VirtualClock();
  readonly lastChange: number;
  readonly alarms: Alarms;
  readonly #metrics = new MetricStore(this.clock);
  readonly #values: readonly (number | undefined)[];
  readonly #constant: number | undefined;

  constructor(rule: AlarmSettings, delay: number, values: readonly (number | undefined)[], constant?: number) {
    this.alarms = new Alarms({ clock: this.clock, metrics: this.#metrics, assumptions: { metricDelay: delay } });
    this.alarms.put(rule);
    this.#values = values;
    this.#constant = constant;
    this.lastChange = this.clock.now() + values.length * minute;
  }

  /** Lets minute `index` pass. */
  async pass(index: number): Promise<void> {
    const datum = index < this.#values.length ? this.#values[index] : this.#constant;
    if (datum !== undefined) this.#metrics.put({ ...metric, timestamp: this.clock.now(), value: datum });
    await this.clock.advance(minute);
  }

  get state(): string | undefined {
    return this.alarms.get("alarm")?.state;
  }
}

const cases = fc.tuple(settings, metricDelay, fc.array(value, { maxLength: 20 }), value);

describe("steady alarms", () => {
  it("keep their states for as long as nothing changes", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ([rule, delay, values, constant]) => {
        const harness = new Harness(rule, delay, values, constant);
        let steady: string | undefined;
        for (let index = 0; index < values.length + 60; index += 1) {
          await harness.pass(index);
          if (index < values.length) continue;
          if (steady !== undefined) assert.equal(harness.state, steady);
          else if (harness.alarms.areSteady(harness.lastChange)) steady = harness.state;
        }
        assert.notEqual(steady, undefined, "the alarm was never steady");
      }),
    );
  });

  it("are not steady within two periods of a change", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ([rule, delay, values, constant]) => {
        const harness = new Harness(rule, delay, values, constant);
        for (let index = 0; index < values.length; index += 1) await harness.pass(index);
        await harness.clock.advance(2 * rule.period + delay - 1);
        assert.equal(harness.alarms.areSteady(harness.lastChange), false);
      }),
    );
  });
});
