/** Scheduled actions of Application Auto Scaling: new limits of a scalable target at given moments. */

import type { Clock, Timer } from "./clock.ts";
import { parseSchedule } from "./schedule.ts";

/** Settings of a scheduled action, as put. */
export interface ScheduledActionSettings {
  readonly name: string;
  readonly resourceId: string;
  /** An at, rate or cron expression. */
  readonly schedule: string;
  /** IANA name. @default "UTC" */
  readonly timezone?: string | undefined;
  /** First and last moment of a recurring action, ms since the epoch. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /** New minimum number of instances. @default the target's */
  readonly min?: number | undefined;
  /** New maximum number of instances. @default the target's */
  readonly max?: number | undefined;
}

/** A scheduled action. */
export interface ScheduledAction extends ScheduledActionSettings {
  readonly arn: string;
  /** ms since the epoch. */
  readonly createdAt: number;
}

/** Dependencies of {@link ScheduledActions}. */
export interface ScheduledActionsOptions {
  readonly clock: Clock;
  readonly region: string;
  readonly accountId: string;
  readonly uuid: () => string;
  /** Called at each moment of an action. */
  readonly run: (action: ScheduledAction) => void;
}

interface Entry {
  readonly action: ScheduledAction;
  timer: Timer | undefined;
}

/** The scheduled actions of one account and region. */
export class ScheduledActions {
  readonly #options: ScheduledActionsOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ScheduledActionsOptions) {
    this.#options = options;
  }

  /**
   * Creates an action, or overwrites the one of that name.
   * @throws {ScheduleError} for an invalid expression or time zone
   */
  put(settings: ScheduledActionSettings): ScheduledAction {
    const { clock, region, accountId, uuid } = this.#options;
    const { name, resourceId } = settings;
    const existing = this.get(resourceId, name);
    const action: ScheduledAction = {
      ...settings,
      arn:
        existing?.arn ??
        `arn:aws:autoscaling:${region}:${accountId}:scheduledAction:${uuid()}:resource/sagemaker/${resourceId}:scheduledActionName/${name}`,
      createdAt: existing?.createdAt ?? clock.now(),
    };
    const { timezone = "UTC", start, end = Infinity } = settings;
    const schedule = parseSchedule(settings.schedule, timezone, start ?? clock.now());
    this.delete(resourceId, name);
    const entry: Entry = { action, timer: undefined };
    this.#entries.set(keyOf(resourceId, name), entry);
    const wait = (after: number): void => {
      const next = schedule.next(after);
      if (next === undefined || next > end) return;
      entry.timer = clock.setTimer(next, () => {
        wait(next);
        this.#options.run(action);
      });
    };
    // A moment that is the start itself counts.
    wait(Math.max(clock.now(), (start ?? -Infinity) - 1));
    return action;
  }

  /** Returns the action of that name. */
  get(resourceId: string, name: string): ScheduledAction | undefined {
    return this.#entries.get(keyOf(resourceId, name))?.action;
  }

  /** Returns all actions in the order in which they were put. */
  list(): ScheduledAction[] {
    return [...this.#entries.values()].map(({ action }) => action);
  }

  /** Deletes an action; no effect if there is none. */
  delete(resourceId: string, name: string): void {
    this.#entries.get(keyOf(resourceId, name))?.timer?.cancel();
    this.#entries.delete(keyOf(resourceId, name));
  }

  /** Deletes all actions of a resource. */
  deleteAll(resourceId: string): void {
    for (const action of this.list()) if (action.resourceId === resourceId) this.delete(resourceId, action.name);
  }
}

function keyOf(resourceId: string, name: string): string {
  return JSON.stringify([resourceId, name]);
}
