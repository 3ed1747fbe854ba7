/** CloudWatch's metric alarms: evaluated every minute on the minute, with their actions and their history. */

import { evaluate, evaluationRange, remains } from "./alarm-evaluation.ts";
import type { AlarmRule, AlarmStateValue, EvaluatedPeriod, Evaluation } from "./alarm-evaluation.ts";
import { defaultAlarmAssumptions } from "./assumptions.ts";
import type { AlarmAssumptions } from "./assumptions.ts";
import type { Clock } from "./clock.ts";
import { MetricQueries } from "./metric-queries.ts";
import type { MetricStat } from "./metric-queries.ts";
import type { MetricStore } from "./metrics.ts";
import { significantCount, statisticName, statisticValue } from "./statistics.ts";

/** The metric that an alarm watches. */
export type WatchedMetric = Omit<MetricStat, "period">;

/** Settings of an alarm, as put. */
export interface AlarmSettings extends AlarmRule {
  readonly name: string;
  /** A metric, or queries, one of which returns the watched result. */
  readonly watched: WatchedMetric | MetricQueries;
  readonly description?: string | undefined;
  /** "ignore": the state is kept while a percentile has too few data points to be significant. @default "evaluate" */
  readonly lowSampleCount?: "evaluate" | "ignore" | undefined;
  readonly actionsEnabled: boolean;
  /** Actions on entering each state. */
  readonly actions: Readonly<Record<AlarmStateValue, readonly string[]>>;
}

/** State of an alarm. All moments are ms since the epoch. */
export interface Alarm {
  readonly settings: AlarmSettings;
  readonly configuredAt: number;
  readonly state: AlarmStateValue;
  readonly reason: string;
  /** JSON text; absent before the first evaluation. */
  readonly reasonData: string | undefined;
  /** Last change of the state or its reason. */
  readonly stateUpdatedAt: number;
  /** Last change to a different state. */
  readonly stateTransitionedAt: number;
}

/** Reason for running an action. */
export interface AlarmEvent {
  readonly alarm: Alarm;
  readonly previous: Alarm;
  /** The newest datapoint of the evaluation; undefined if there was none. */
  readonly value: number | undefined;
}

/** Runs the actions of one kind. */
export interface ActionRunner {
  accepts(action: string): boolean;
  /**
   * True if the action runs again each minute while its state lasts. CloudWatch repeats only scaling actions, and each
   * minute regardless of the alarm's period (knowledge center, "Why doesn't my CloudWatch alarm's state change invoke my
   * Amazon EC2 Auto Scaling policy?").
   */
  readonly repeats: boolean;
  /** Throws, or rejects with, the reason why the action cannot run. */
  run(action: string, event: AlarmEvent): Promise<void> | undefined;
}

/** Kind of an entry in an alarm's history. */
export type HistoryType = "ConfigurationUpdate" | "StateUpdate" | "Action";

/** Entry in an alarm's history. Times are in milliseconds since the epoch. */
export interface HistoryItem {
  readonly alarmName: string;
  readonly timestamp: number;
  readonly type: HistoryType;
  readonly summary: string;
  /** JSON text. */
  readonly data: string;
}

const minute = 60_000;

/** History is kept for 30 days (CloudWatch API reference, DescribeAlarmHistory), up to this total number of items. */
const historyAge = 30 * 86_400_000;
const historyLength = 10_000;

function ruleOf(settings: AlarmSettings): AlarmRule {
  const { watched, lowSampleCount } = settings;
  if (lowSampleCount !== "ignore" || watched instanceof MetricQueries) return settings;
  return { ...settings, minSampleCount: significantCount(watched.statistic) };
}

/** Dependencies of {@link Alarms}. */
export interface AlarmsOptions {
  readonly clock: Clock;
  readonly metrics: MetricStore;
  /** Deviations from `defaultAlarmAssumptions`. */
  readonly assumptions?: Partial<AlarmAssumptions>;
}

/** The alarms of one account and region. */
export class Alarms {
  readonly #assumptions: AlarmAssumptions;
  readonly #clock: Clock;
  readonly #metrics: MetricStore;
  readonly #alarms = new Map<string, Alarm>();
  readonly #runners: ActionRunner[] = [];
  readonly #history: HistoryItem[] = [];

  constructor({ clock, metrics, assumptions }: AlarmsOptions) {
    this.#assumptions = { ...defaultAlarmAssumptions, ...assumptions };
    this.#clock = clock;
    this.#metrics = metrics;
    this.#schedule();
  }

  /** Adds a kind of action. */
  addRunner(runner: ActionRunner): void {
    this.#runners.push(runner);
  }

  /** Creates an alarm, or gives an existing one new settings; its state stays until the next evaluation. */
  put(settings: AlarmSettings): void {
    const now = this.#clock.now();
    const existing = this.#alarms.get(settings.name);
    this.#alarms.set(settings.name, {
      state: "INSUFFICIENT_DATA",
      reason: "Unchecked: Initial alarm creation",
      reasonData: undefined,
      stateUpdatedAt: now,
      stateTransitionedAt: now,
      ...existing,
      settings,
      configuredAt: now,
    });
    const type = existing === undefined ? "Create" : "Update";
    const done = existing === undefined ? "created" : "updated";
    this.#record(settings.name, "ConfigurationUpdate", `Alarm "${settings.name}" ${done}`, { version: "1.0", type });
  }

  delete(name: string): void {
    if (!this.#alarms.delete(name)) return;
    this.#record(name, "ConfigurationUpdate", `Alarm "${name}" deleted`, { version: "1.0", type: "Delete" });
  }

  get(name: string): Alarm | undefined {
    return this.#alarms.get(name);
  }

  /** Returns all alarms, sorted by name. */
  list(): Alarm[] {
    return [...this.#alarms.values()].sort((left, right) => (left.settings.name < right.settings.name ? -1 : 1));
  }

  /** Sets the alarm's state until the next evaluation; runs the state's actions if it has changed. */
  setState(name: string, state: AlarmStateValue, reason: string, reasonData?: string): void {
    const alarm = this.#alarms.get(name);
    if (alarm !== undefined) this.#enter(alarm, state, reason, reasonData, undefined);
  }

  setActionsEnabled(name: string, actionsEnabled: boolean): void {
    const alarm = this.#alarms.get(name);
    if (alarm === undefined || alarm.settings.actionsEnabled === actionsEnabled) return;
    this.put({ ...alarm.settings, actionsEnabled });
  }

  /** Returns the history of all alarms, including deleted ones, oldest first. */
  history(): readonly HistoryItem[] {
    return this.#history;
  }

  /**
   * Tells whether every alarm keeps its state if nothing changes any more: if the metrics continue with the values, or
   * the lack of values, that they have had since the last change.
   * @param lastChange ms since the epoch
   */
  areSteady(lastChange: number): boolean {
    const seen = this.#seen(this.#clock.now());
    return this.list().every(({ settings, state }) => {
      const { period } = settings;
      // The last two periods are without change, however the minutes of the evaluation cut the metric into periods.
      if (seen - 2 * period < lastChange) return false;
      return Array.from({ length: period / minute }, (_, shift) => seen - shift * minute).every((end) =>
        remains(state, ruleOf(settings), this.#range(settings, end)),
      );
    });
  }

  /** Returns the end of the newest period that an evaluation at `now` sees. */
  #seen(now: number): number {
    return Math.floor((now - this.#assumptions.metricDelay) / minute) * minute;
  }

  #schedule(): void {
    const next = (Math.floor(this.#clock.now() / minute) + 1) * minute;
    this.#clock.setTimer(next, () => {
      this.#schedule();
      for (const { settings } of this.list()) this.#evaluate(settings.name, next);
    });
  }

  #evaluate(name: string, now: number): void {
    const alarm = this.#alarms.get(name);
    if (alarm === undefined) return;
    const evaluation = evaluate(ruleOf(alarm.settings), this.#range(alarm.settings, this.#seen(now)));
    const { state = alarm.state, value } = evaluation;
    if (state !== alarm.state) {
      this.#enter(alarm, state, evaluation.reason, this.#reasonData(alarm.settings, evaluation, now), value);
      return;
    }
    for (const action of this.#actionsOf(alarm)) {
      const runner = this.#runnerOf(action);
      if (runner?.repeats !== true) continue;
      // A repetition is not recorded in the history.
      void this.#run(action, runner, { alarm, previous: alarm, value });
    }
  }

  /** Returns the periods that end with `end`, oldest first. */
  #range({ watched, ...rule }: AlarmSettings, end: number): EvaluatedPeriod[] {
    const { period } = rule;
    const length = evaluationRange(rule);
    const start = end - length * period;
    const found = new Map(this.#points(watched, start, end, period).map((point) => [point.timestamp, point]));
    return Array.from({ length }, (_, index) => {
      const timestamp = start + index * period;
      return found.get(timestamp) ?? { timestamp, value: undefined };
    });
  }

  /** Returns the periods that have data. */
  #points(watched: AlarmSettings["watched"], start: number, end: number, period: number): readonly EvaluatedPeriod[] {
    if (watched instanceof MetricQueries) {
      const { id = "" } = watched.queries.find(({ isReturned }) => isReturned) ?? {};
      return watched.points(id, this.#metrics, { start, end });
    }
    const withValues = typeof watched.statistic !== "string";
    return this.#metrics.query({ ...watched, start, end, period, withValues }).map((point) => {
      const { timestamp, sampleCount } = point;
      return { timestamp, value: statisticValue(point, watched.statistic), sampleCount };
    });
  }

  #enter(
    alarm: Alarm,
    state: AlarmStateValue,
    reason: string,
    reasonData: string | undefined,
    value: number | undefined,
  ): void {
    const now = this.#clock.now();
    const isOther = state !== alarm.state;
    const stateTransitionedAt = isOther ? now : alarm.stateTransitionedAt;
    const entered: Alarm = { ...alarm, state, reason, reasonData, stateUpdatedAt: now, stateTransitionedAt };
    const { name } = alarm.settings;
    this.#alarms.set(name, entered);
    if (!isOther) return;
    this.#record(name, "StateUpdate", `Alarm updated from ${alarm.state} to ${state}`, {
      version: "1.0",
      oldState: this.#stateData(alarm),
      newState: this.#stateData(entered),
    });
    for (const action of this.#actionsOf(entered)) {
      void this.#run(action, this.#runnerOf(action), { alarm: entered, previous: alarm, value }).then((error) => {
        this.#report(action, entered, error);
      });
    }
  }

  #stateData({ state, reason, reasonData }: Alarm): object {
    const data: unknown = reasonData === undefined ? undefined : JSON.parse(reasonData);
    return { stateValue: state, stateReason: reason, stateReasonData: data };
  }

  #actionsOf({ settings, state }: Alarm): readonly string[] {
    return settings.actionsEnabled ? settings.actions[state] : [];
  }

  #runnerOf(action: string): ActionRunner | undefined {
    return this.#runners.find((runner) => runner.accepts(action));
  }

  /** Runs an action and returns the error that kept it from running, if any. */
  async #run(action: string, runner: ActionRunner | undefined, event: AlarmEvent): Promise<string | undefined> {
    try {
      if (runner === undefined) throw new Error("No such action is implemented.");
      await runner.run(action, event);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #report(action: string, alarm: Alarm, error: string | undefined): void {
    // Failure: observed (ASFHyP3/hyp3#762).
    const summary =
      error === undefined
        ? `Successfully executed action ${action}`
        : `Failed to execute action ${action}. Received error: "${error}"`;
    const actionState = error === undefined ? "Succeeded" : "Failed";
    const data = { actionState, stateUpdateTimestamp: alarm.stateUpdatedAt, notificationResource: action, error };
    this.#record(alarm.settings.name, "Action", summary, data);
  }

  #reasonData(rule: AlarmSettings, evaluation: Evaluation, now: number): string {
    const iso = (timestamp: number): string => new Date(timestamp).toISOString().replace("Z", "+0000");
    const { looked } = evaluation;
    return JSON.stringify({
      version: "1.0",
      queryDate: iso(now),
      ...(looked.length === 0 ? {} : { startDate: iso(looked[looked.length - 1]?.timestamp ?? now) }),
      ...("statistic" in rule.watched ? { statistic: statisticName(rule.watched.statistic) } : {}),
      period: rule.period / 1_000,
      recentDatapoints: looked.map(({ value }) => value).reverse(),
      threshold: rule.threshold,
      evaluatedDatapoints: looked.map(({ timestamp, value, sampleCount }) => {
        return { timestamp: iso(timestamp), sampleCount, value };
      }),
    });
  }

  #record(alarmName: string, type: HistoryType, summary: string, data: object): void {
    const timestamp = this.#clock.now();
    this.#history.push({ alarmName, timestamp, type, summary, data: JSON.stringify(data) });
    const kept = this.#history.findIndex((item) => item.timestamp >= timestamp - historyAge);
    this.#history.splice(0, Math.max(kept, this.#history.length - historyLength));
  }
}
