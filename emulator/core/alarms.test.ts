/** Tests the evaluation of alarms, their actions on entering a state and while it lasts, and their history. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Alarms } from "./alarms.ts";
import type { ActionRunner, AlarmSettings } from "./alarms.ts";
import type { AlarmAssumptions } from "./assumptions.ts";
import { MetricStore } from "./metrics.ts";
import { VirtualClock } from "./virtual-clock.ts";

const minute = 60_000;
const metric = { namespace: "N", name: "M", dimensions: { Job: "a" } };
const settings: AlarmSettings = {
  name: "too many",
  watched: { metric, statistic: "Maximum" },
  period: minute,
  evaluationPeriods: 1,
  threshold: 5,
  comparison: "GreaterThanThreshold",
  treatMissingData: "missing",
  actionsEnabled: true,
  actions: { OK: ["topic:ok"], ALARM: ["topic:alarm", "scale:out"], INSUFFICIENT_DATA: ["topic:unknown"] },
};

class Harness {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1));
  readonly metrics = new MetricStore(this.clock);
  readonly alarms: Alarms;
  readonly ran: string[] = [];
  readonly start = this.clock.now();

  constructor(assumptions: Partial<AlarmAssumptions> = { metricDelay: 0 }) {
    this.alarms = new Alarms({ clock: this.clock, metrics: this.metrics, assumptions });
    this.alarms.addRunner(this.#runner("topic:", false));
    this.alarms.addRunner(this.#runner("scale:", true));
  }

  #runner(prefix: string, repeats: boolean): ActionRunner {
    return {
      repeats,
      accepts: (action) => action.startsWith(prefix),
      run: (action, { value, previous, alarm }) => {
        const at = (this.clock.now() - this.start) / minute;
        this.ran.push(`${at} ${action} ${previous.state}->${alarm.state} ${value ?? "-"}`);
        return action === "topic:broken" ? Promise.reject(new Error("no such topic")) : undefined;
      },
    };
  }

  put(minuteIndex: number, value: number): void {
    this.metrics.put({ ...metric, timestamp: this.start + minuteIndex * minute + 30_000, value });
  }

  state(): string | undefined {
    return this.alarms.get(settings.name)?.state;
  }
}

describe("an alarm", () => {
  it("starts with insufficient data, and reads a minute's datapoint after the minute", async () => {
    const harness = new Harness();
    harness.alarms.put(settings);
    assert.equal(harness.alarms.get(settings.name)?.reason, "Unchecked: Initial alarm creation");
    harness.put(0, 9);
    await harness.clock.advance(minute - 1);
    assert.equal(harness.state(), "INSUFFICIENT_DATA");
    await harness.clock.advance(1);
    assert.equal(harness.state(), "ALARM");
  });

  it("sees a datapoint a minute after its period by default, or after another delay", async () => {
    for (const [assumptions, delay] of [
      [{}, 1],
      [{ metricDelay: 3 * minute }, 3],
    ] as const) {
      const harness = new Harness(assumptions);
      harness.alarms.put(settings);
      harness.put(1, 9);
      await harness.clock.advance((2 + delay) * minute - 1);
      assert.equal(harness.state(), "INSUFFICIENT_DATA");
      await harness.clock.advance(1);
      assert.equal(harness.state(), "ALARM");
    }
  });

  it("runs a state's actions on entering it, and scaling actions each minute while it lasts", async () => {
    const harness = new Harness();
    harness.alarms.put(settings);
    for (const [index, value] of [6, 7, 8, 1, 1].entries()) harness.put(index, value);
    await harness.clock.advance(9 * minute);
    assert.deepEqual(harness.ran, [
      "1 topic:alarm INSUFFICIENT_DATA->ALARM 6",
      "1 scale:out INSUFFICIENT_DATA->ALARM 6",
      "2 scale:out ALARM->ALARM 7",
      "3 scale:out ALARM->ALARM 8",
      "4 topic:ok ALARM->OK 1",
      "8 topic:unknown OK->INSUFFICIENT_DATA -",
    ]);
  });

  it("runs no action while its actions are disabled", async () => {
    const harness = new Harness();
    harness.alarms.put(settings);
    harness.alarms.setActionsEnabled(settings.name, false);
    harness.put(0, 9);
    await harness.clock.advance(minute);
    assert.equal(harness.state(), "ALARM");
    assert.deepEqual(harness.ran, []);
  });

  it("reads the given statistic, unit, period and dimensions", async () => {
    const harness = new Harness();
    const other = { ...metric, dimensions: { Job: "b" } };
    const watched = { metric, statistic: "Sum", unit: "Count" } as const;
    harness.alarms.put({ ...settings, watched, period: 5 * minute, threshold: 10 });
    for (let index = 0; index < 5; index += 1) {
      const timestamp = harness.start + index * minute;
      harness.metrics.put({ ...metric, timestamp, value: 2, unit: "Count" });
      harness.metrics.put({ ...metric, timestamp, value: 100, unit: "Bytes" });
      harness.metrics.put({ ...other, timestamp, value: 100, unit: "Count" });
    }
    await harness.clock.advance(5 * minute);
    assert.equal(harness.state(), "OK");
    harness.alarms.put({ ...settings, watched, period: 5 * minute, threshold: 9 });
    harness.metrics.put({ ...metric, timestamp: harness.start + 5 * minute, value: 2, unit: "Count" });
    await harness.clock.advance(minute);
    assert.equal(harness.state(), "ALARM");
  });

  it("keeps its state when it is put again, until the next evaluation", async () => {
    const harness = new Harness();
    harness.alarms.put(settings);
    harness.put(0, 9);
    harness.put(1, 9);
    await harness.clock.advance(minute);
    harness.alarms.put({ ...settings, threshold: 100 });
    assert.equal(harness.state(), "ALARM");
    await harness.clock.advance(minute);
    assert.equal(harness.state(), "OK");
  });

  it("can be set to a state, which runs its actions and lasts until the next evaluation", async () => {
    const harness = new Harness();
    harness.alarms.put(settings);
    harness.put(0, 1);
    harness.alarms.setState(settings.name, "ALARM", "a drill");
    assert.deepEqual(harness.ran, [
      "0 topic:alarm INSUFFICIENT_DATA->ALARM -",
      "0 scale:out INSUFFICIENT_DATA->ALARM -",
    ]);
    assert.equal(harness.alarms.get(settings.name)?.reason, "a drill");
    await harness.clock.advance(minute);
    assert.equal(harness.state(), "OK");
  });

  it("records its history: configuration, states, and the outcome of each action", async () => {
    const harness = new Harness();
    const actions = { ...settings.actions, ALARM: ["topic:alarm", "topic:broken", "unknown:x"] };
    harness.alarms.put({ ...settings, actions });
    harness.put(0, 9);
    await harness.clock.advance(minute);
    harness.alarms.delete(settings.name);
    const summaries = harness.alarms.history().map(({ type, summary }) => `${type}: ${summary}`);
    assert.deepEqual(summaries.toSorted(), [
      'Action: Failed to execute action topic:broken. Received error: "no such topic"',
      'Action: Failed to execute action unknown:x. Received error: "No such action is implemented."',
      "Action: Successfully executed action topic:alarm",
      'ConfigurationUpdate: Alarm "too many" created',
      'ConfigurationUpdate: Alarm "too many" deleted',
      "StateUpdate: Alarm updated from INSUFFICIENT_DATA to ALARM",
    ]);
    const update = harness.alarms.history().find(({ type }) => type === "StateUpdate");
    const data = JSON.parse(update?.data ?? "{}") as { newState: { stateReasonData: { recentDatapoints: number[] } } };
    assert.deepEqual(data.newState.stateReasonData.recentDatapoints, [9]);
  });

  it("drops its history after 30 days", async () => {
    const harness = new Harness();
    harness.alarms.put(settings);
    await harness.clock.advance(31 * 86_400_000);
    harness.alarms.delete(settings.name);
    assert.deepEqual(
      harness.alarms.history().map(({ summary }) => summary),
      ['Alarm "too many" deleted'],
    );
  });
});
