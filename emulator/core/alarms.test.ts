/** Holds when alarms are evaluated, what they do on entering a state and while they stay in it, and what they remember. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Alarms } from "./alarms.ts";
import type { ActionRunner, AlarmSettings } from "./alarms.ts";
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

class Bench {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1));
  readonly metrics = new MetricStore(this.clock);
  readonly alarms = new Alarms({ clock: this.clock, metrics: this.metrics });
  readonly ran: string[] = [];
  readonly start = this.clock.now();

  constructor() {
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
  it("starts with insufficient data, and sees a minute's datapoint when the minute is over", async () => {
    const bench = new Bench();
    bench.alarms.put(settings);
    assert.equal(bench.alarms.get(settings.name)?.reason, "Unchecked: Initial alarm creation");
    bench.put(0, 9);
    await bench.clock.advance(minute - 1);
    assert.equal(bench.state(), "INSUFFICIENT_DATA");
    await bench.clock.advance(1);
    assert.equal(bench.state(), "ALARM");
  });

  it("runs a state's actions on entering it, and scaling actions each minute while it lasts", async () => {
    const bench = new Bench();
    bench.alarms.put(settings);
    for (const [index, value] of [6, 7, 8, 1, 1].entries()) bench.put(index, value);
    await bench.clock.advance(9 * minute);
    assert.deepEqual(bench.ran, [
      "1 topic:alarm INSUFFICIENT_DATA->ALARM 6",
      "1 scale:out INSUFFICIENT_DATA->ALARM 6",
      "2 scale:out ALARM->ALARM 7",
      "3 scale:out ALARM->ALARM 8",
      "4 topic:ok ALARM->OK 1",
      "8 topic:unknown OK->INSUFFICIENT_DATA -",
    ]);
  });

  it("runs nothing while its actions are disabled", async () => {
    const bench = new Bench();
    bench.alarms.put(settings);
    bench.alarms.setActionsEnabled(settings.name, false);
    bench.put(0, 9);
    await bench.clock.advance(minute);
    assert.equal(bench.state(), "ALARM");
    assert.deepEqual(bench.ran, []);
  });

  it("looks at the statistic, the unit, the period and the dimensions that it was given", async () => {
    const bench = new Bench();
    const other = { ...metric, dimensions: { Job: "b" } };
    const watched = { metric, statistic: "Sum", unit: "Count" } as const;
    bench.alarms.put({ ...settings, watched, period: 5 * minute, threshold: 10 });
    for (let index = 0; index < 5; index += 1) {
      const timestamp = bench.start + index * minute;
      bench.metrics.put({ ...metric, timestamp, value: 2, unit: "Count" });
      bench.metrics.put({ ...metric, timestamp, value: 100, unit: "Bytes" });
      bench.metrics.put({ ...other, timestamp, value: 100, unit: "Count" });
    }
    await bench.clock.advance(5 * minute);
    assert.equal(bench.state(), "OK");
    bench.alarms.put({ ...settings, watched, period: 5 * minute, threshold: 9 });
    bench.metrics.put({ ...metric, timestamp: bench.start + 5 * minute, value: 2, unit: "Count" });
    await bench.clock.advance(minute);
    assert.equal(bench.state(), "ALARM");
  });

  it("keeps its state when it is put again, until the next evaluation", async () => {
    const bench = new Bench();
    bench.alarms.put(settings);
    bench.put(0, 9);
    bench.put(1, 9);
    await bench.clock.advance(minute);
    bench.alarms.put({ ...settings, threshold: 100 });
    assert.equal(bench.state(), "ALARM");
    await bench.clock.advance(minute);
    assert.equal(bench.state(), "OK");
  });

  it("can be put into a state by hand, which runs its actions and lasts until the next evaluation", async () => {
    const bench = new Bench();
    bench.alarms.put(settings);
    bench.put(0, 1);
    bench.alarms.setState(settings.name, "ALARM", "a drill");
    assert.deepEqual(bench.ran, ["0 topic:alarm INSUFFICIENT_DATA->ALARM -", "0 scale:out INSUFFICIENT_DATA->ALARM -"]);
    assert.equal(bench.alarms.get(settings.name)?.reason, "a drill");
    await bench.clock.advance(minute);
    assert.equal(bench.state(), "OK");
  });

  it("remembers what happened: configuration, states, and how each action went", async () => {
    const bench = new Bench();
    const actions = { ...settings.actions, ALARM: ["topic:alarm", "topic:broken", "unknown:x"] };
    bench.alarms.put({ ...settings, actions });
    bench.put(0, 9);
    await bench.clock.advance(minute);
    bench.alarms.delete(settings.name);
    const summaries = bench.alarms.history().map(({ type, summary }) => `${type}: ${summary}`);
    assert.deepEqual(summaries.toSorted(), [
      "Action: Failed to execute action topic:broken. no such topic",
      "Action: Failed to execute action unknown:x. No such action is implemented.",
      "Action: Successfully executed action topic:alarm",
      'ConfigurationUpdate: Alarm "too many" created',
      'ConfigurationUpdate: Alarm "too many" deleted',
      "StateUpdate: Alarm updated from INSUFFICIENT_DATA to ALARM",
    ]);
    const update = bench.alarms.history().find(({ type }) => type === "StateUpdate");
    const data = JSON.parse(update?.data ?? "{}") as { newState: { stateReasonData: { recentDatapoints: number[] } } };
    assert.deepEqual(data.newState.stateReasonData.recentDatapoints, [9]);
  });

  it("forgets history after 30 days", async () => {
    const bench = new Bench();
    bench.alarms.put(settings);
    await bench.clock.advance(31 * 86_400_000);
    bench.alarms.delete(settings.name);
    assert.deepEqual(
      bench.alarms.history().map(({ summary }) => summary),
      ['Alarm "too many" deleted'],
    );
  });

  it("is not evaluated any more once all alarms are stopped", async () => {
    const bench = new Bench();
    bench.alarms.put(settings);
    bench.alarms.stop();
    bench.put(0, 9);
    await bench.clock.advance(5 * minute);
    assert.equal(bench.state(), "INSUFFICIENT_DATA");
  });
});
