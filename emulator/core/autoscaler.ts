/**
 * Application Auto Scaling: alarms run policies, policies request instances, the largest number wins, cooldowns delay
 * changes.
 */

import { isDeepStrictEqual } from "node:util";
import type { AlarmEvent, AlarmSettings, Alarms } from "./alarms.ts";
import type { Clock } from "./clock.ts";
import { Cooldown } from "./cooldown.ts";
import { defaultScalingAssumptions } from "./assumptions.ts";
import type { ScalingAssumptions } from "./assumptions.ts";
import { causeOf, notScaledReason, ScalingActivities } from "./scaling-activities.ts";
import { breachOf, stepCapacity, trackingAlarms, trackingCapacity } from "./scaling-policy.ts";
import type { StepScaling, TargetTracking } from "./scaling-policy.ts";
import { ScheduledActions } from "./scheduled-actions.ts";
import type { ScheduledAction } from "./scheduled-actions.ts";
import type { CapacityPort, ScalableTarget, ScalingActivity, ScalingPolicy, Suspension } from "./scaling-types.ts";

/** Dependencies of {@link Autoscaler}. */
export interface AutoscalerOptions {
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly capacity: CapacityPort;
  readonly region: string;
  readonly accountId: string;
  readonly assumptions?: Partial<ScalingAssumptions>;
  /** @default the platform's random UUIDs */
  readonly uuid?: () => string;
}

/** Request of a policy whose alarm is in ALARM. */
interface Proposal {
  readonly policy: ScalingPolicy;
  readonly alarmName: string;
  readonly count: number;
}

interface TargetEntry {
  target: ScalableTarget;
  readonly policies: Map<string, ScalingPolicy>;
  /** Alarms that have fired at this moment, by policy name. */
  readonly spoken: Map<string, AlarmEvent>;
  readonly cooldown: Cooldown;
  isChanging: boolean;
}

function isTracking(policy: ScalingPolicy): policy is ScalingPolicy & { rule: TargetTracking } {
  return policy.rule.type === "TargetTrackingScaling";
}

/** Scales targets by their policies, as Application Auto Scaling does. */
export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #assumptions: ScalingAssumptions;
  readonly #uuid: () => string;
  /** The actions that change limits at given moments; deregistering a target deletes its own. */
  readonly scheduledActions: ScheduledActions;
  readonly #targets = new Map<string, TargetEntry>();
  readonly #activities = new ScalingActivities();

  constructor(options: AutoscalerOptions) {
    this.#options = options;
    this.#assumptions = { ...defaultScalingAssumptions, ...options.assumptions };
    this.#uuid = options.uuid ?? ((): string => crypto.randomUUID());
    this.scheduledActions = new ScheduledActions({
      ...options,
      uuid: this.#uuid,
      run: (action) => {
        this.#runScheduled(action);
      },
    });
    options.alarms.addRunner({
      accepts: (action) => action.startsWith("arn:aws:autoscaling:"),
      repeats: true,
      run: (action, event) => {
        this.#alarmSpeaks(action, event);
        return undefined;
      },
    });
  }

  /** Tells whether a capacity changes, or a cooldown may delay its next change. */
  get isBusy(): boolean {
    return [...this.#targets.values()].some(({ isChanging, cooldown }) => isChanging || cooldown.lasts(this.#now));
  }

  /** Registers a resource, or changes its registration, and moves its capacity into [min, max] at once. */
  register(resourceId: string, limits: { min: number; max: number; suspension?: Suspension }): ScalableTarget {
    const entry = this.#targets.get(resourceId) ?? this.#newEntry(resourceId);
    entry.target = { ...entry.target, ...limits };
    this.#targets.set(resourceId, entry);
    this.#moveIntoLimits(entry);
    return entry.target;
  }

  #newEntry(resourceId: string): TargetEntry {
    const { region, accountId } = this.#options;
    const id = this.#uuid().replaceAll("-", "");
    const arn = `arn:aws:application-autoscaling:${region}:${accountId}:scalable-target/${id}`;
    const suspension = { scaleIn: false, scaleOut: false, scheduled: false };
    const target = { resourceId, arn, min: 0, max: 0, suspension, createdAt: this.#now };
    const cooldown = new Cooldown(this.#assumptions);
    return { target, policies: new Map(), spoken: new Map(), cooldown, isChanging: false };
  }

  /** Removes a resource with its policies and their alarms; no effect if it is not registered. */
  deregister(resourceId: string): void {
    for (const policy of this.#targets.get(resourceId)?.policies.values() ?? []) this.#deleteAlarms(policy);
    this.#targets.delete(resourceId);
    this.scheduledActions.deleteAll(resourceId);
  }

  /** Changes a target's limits; if they contradict each other, nothing changes (not confirmed). */
  #runScheduled({ resourceId, min, max }: ScheduledAction): void {
    const target = this.target(resourceId);
    if (target === undefined || target.suspension.scheduled) return;
    const limits = { min: min ?? target.min, max: max ?? target.max };
    if (limits.min <= limits.max) this.register(resourceId, limits);
  }

  target(resourceId: string): ScalableTarget | undefined {
    return this.#targets.get(resourceId)?.target;
  }

  /** Returns the targets in the order of registration. */
  targets(): ScalableTarget[] {
    return [...this.#targets.values()].map(({ target }) => target);
  }

  /**
   * Creates a policy of a registered resource, or overwrites the one of that name. A changed target tracking gets new
   * alarms, an identical one keeps them.
   * @throws {Error} if no scalable target is registered for the resource
   */
  putPolicy(resourceId: string, name: string, rule: StepScaling | TargetTracking): ScalingPolicy {
    const entry = this.#targets.get(resourceId);
    if (entry === undefined) throw new Error(`No scalable target is registered for ${resourceId}.`);
    const existing = entry.policies.get(name);
    if (existing !== undefined) {
      if (isDeepStrictEqual(existing.rule, rule) && this.#hasAlarms(existing)) return existing;
      this.#deleteAlarms(existing);
    }
    const policy: ScalingPolicy = {
      name,
      arn: existing?.arn ?? this.#policyArn(resourceId, name),
      resourceId,
      rule,
      createdAt: existing?.createdAt ?? this.#now,
      alarms: [],
    };
    const complete = isTracking(policy) ? { ...policy, alarms: this.#createAlarms(policy) } : policy;
    entry.policies.set(name, complete);
    return complete;
  }

  /** Deletes a policy; no effect if there is none. */
  deletePolicy(resourceId: string, name: string): void {
    const entry = this.#targets.get(resourceId);
    const policy = entry?.policies.get(name);
    if (entry === undefined || policy === undefined) return;
    this.#deleteAlarms(policy);
    entry.policies.delete(name);
  }

  /** Returns all policies in the order in which they were created. */
  policies(): ScalingPolicy[] {
    return [...this.#targets.values()].flatMap(({ policies }) => [...policies.values()]);
  }

  /** Returns the activities, newest first; with `includeNotScaled` also the decisions not to scale. */
  activities({ includeNotScaled = false } = {}): ScalingActivity[] {
    return this.#activities.list({ includeNotScaled });
  }

  /** Records that an alarm has fired; the decision follows when all alarms of this moment are recorded. */
  #alarmSpeaks(action: string, event: AlarmEvent): void {
    const arn = action.replace(/:createdBy\/.*$/, "");
    const policy = this.policies().find((each) => each.arn === arn);
    const entry = policy && this.#targets.get(policy.resourceId);
    if (policy === undefined || entry === undefined) throw new Error(`There is no scaling policy ${arn}.`);
    this.#refuseWithoutStep(policy, event);
    if (entry.spoken.size === 0) {
      this.#options.clock.setTimer(this.#now, () => {
        this.#decide(entry);
      });
    }
    entry.spoken.set(policy.name, event);
  }

  #refuseWithoutStep({ rule }: ScalingPolicy, { alarm, value }: AlarmEvent): void {
    if (rule.type !== "StepScaling") return;
    const breach = value === undefined ? undefined : breachOf(alarm.settings, value, this.#assumptions);
    if (breach !== undefined && stepCapacity(rule, breach, 0) !== undefined) return;
    const { threshold } = alarm.settings;
    throw new Error(`No step adjustment found for metric value ${value ?? "[]"} and breach threshold ${threshold}`);
  }

  #decide(entry: TargetEntry): void {
    const events = [...entry.spoken];
    entry.spoken.clear();
    const { resourceId } = entry.target;
    const current = this.#options.capacity.current(resourceId);
    if (entry.isChanging || current === undefined || this.#targets.get(resourceId) !== entry) return;
    const proposals = events.flatMap(([name, event]) => this.#propose(entry, name, event, current));
    const winner = this.#scaleOut(entry, proposals, current) ?? this.#scaleIn(entry, proposals, current);
    if (winner === undefined) {
      for (const [name, event] of events) this.#recordNotScaled(entry, name, event, current);
      return;
    }
    const { policy, alarmName, count } = winner;
    void this.#change(entry, count, causeOf(alarmName, policy.name), policy.rule);
  }

  #recordNotScaled(entry: TargetEntry, policyName: string, event: AlarmEvent, current: number): void {
    const { resourceId } = entry.target;
    const wanted = this.#asked(entry, policyName, event, current);
    const reason = wanted === undefined ? undefined : notScaledReason(wanted, current, entry.target);
    if (reason === undefined) return;
    const cause = causeOf(event.alarm.settings.name, policyName);
    this.#activities.addNotScaled(reason, { id: this.#uuid(), resourceId, cause, startedAt: this.#now });
  }

  #propose(entry: TargetEntry, policyName: string, event: AlarmEvent, current: number): Proposal[] {
    const policy = entry.policies.get(policyName);
    const asked = this.#asked(entry, policyName, event, current);
    if (policy === undefined || asked === undefined || asked === current) return [];
    const { min, max } = entry.target;
    return [{ policy, alarmName: event.alarm.settings.name, count: Math.min(max, Math.max(min, asked)) }];
  }

  /** Returns the capacity that a policy wants, without the target's limits; undefined if it wants none now. */
  #asked(entry: TargetEntry, policyName: string, { alarm, value }: AlarmEvent, current: number): number | undefined {
    const policy = entry.policies.get(policyName);
    if (value === undefined || policy === undefined) return undefined;
    const base = entry.cooldown.baseOfScaleOut(current, this.#now);
    const more = this.#wanted(policy.rule, alarm.settings, value, base);
    if (more !== undefined && more > current) return more;
    const fewer = this.#wanted(policy.rule, alarm.settings, value, current);
    return fewer !== undefined && fewer <= current ? fewer : undefined;
  }

  #wanted(rule: ScalingPolicy["rule"], alarm: AlarmSettings, value: number, from: number): number | undefined {
    if (rule.type === "StepScaling") return stepCapacity(rule, breachOf(alarm, value, this.#assumptions), from);
    const wanted = trackingCapacity(rule, value, from);
    if (value > rule.target) return wanted;
    // Below the target the low alarm fires: it never adds.
    const least = this.#assumptions.trackingScaleIn === "proportional" ? wanted : Math.max(wanted, from - 1);
    return Math.min(from, least);
  }

  #scaleOut(entry: TargetEntry, proposals: readonly Proposal[], current: number): Proposal | undefined {
    if (entry.target.suspension.scaleOut) return undefined;
    return this.#largest(proposals.filter(({ count }) => count > current));
  }

  #scaleIn(entry: TargetEntry, proposals: readonly Proposal[], current: number): Proposal | undefined {
    const { cooldown, target } = entry;
    if (target.suspension.scaleIn || proposals.some(({ count }) => count > current)) return undefined;
    if (cooldown.delaysScaleIn(this.#now)) return undefined;
    const fewer = proposals.filter(({ count }) => count < current);
    // Target tracking scales in only when every target-tracking policy is ready to; a step policy does not wait for them (API reference, PutScalingPolicy).
    const allReady = [...entry.policies.values()].every(({ name, rule }) => {
      if (rule.type === "StepScaling" || rule.disableScaleIn) return true;
      return fewer.some(({ policy }) => policy.name === name);
    });
    const allowed = fewer.filter(({ policy }) => !isTracking(policy) || (allReady && !policy.rule.disableScaleIn));
    return this.#largest(allowed);
  }

  #largest(proposals: readonly Proposal[]): Proposal | undefined {
    return proposals.toSorted((left, right) => right.count - left.count)[0];
  }

  #moveIntoLimits(entry: TargetEntry): void {
    const { resourceId, min, max } = entry.target;
    const current = this.#options.capacity.current(resourceId);
    if (current === undefined || entry.isChanging || this.#targets.get(resourceId) !== entry) return;
    if (current < min) void this.#change(entry, min, `minimum capacity was set to ${min}`);
    else if (current > max) void this.#change(entry, max, `maximum capacity was set to ${max}`);
  }

  /** Runs one scaling activity, from its decision until the resource has that many instances; never rejects. */
  async #change(entry: TargetEntry, count: number, cause: string, rule?: StepScaling | TargetTracking): Promise<void> {
    const { resourceId } = entry.target;
    const from = this.#options.capacity.current(resourceId) ?? 0;
    const done = `Successfully set desired instance count to ${count}.`;
    const activity: ScalingActivity = {
      id: this.#uuid(),
      resourceId,
      description: `Setting desired instance count to ${count}.`,
      cause,
      startedAt: this.#now,
      endedAt: undefined,
      status: "InProgress",
      statusMessage: `${done} Waiting for change to be fulfilled by sagemaker.`,
    };
    this.#activities.add(activity);
    const end = (status: "Successful" | "Failed", statusMessage: string): void => {
      this.#activities.replace(activity, { ...activity, status, statusMessage, endedAt: this.#now });
    };
    entry.isChanging = true;
    try {
      await this.#options.capacity.set(resourceId, count);
      if (rule !== undefined) this.#beginCooldown(entry, rule, from, count);
      end("Successful", `${done} Change successfully fulfilled by sagemaker.`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      end("Failed", `Failed to set desired instance count to ${count}. Reason: ${reason}`);
      return;
    } finally {
      entry.isChanging = false;
      this.#activities.forgetOld(this.#now);
    }
    this.#moveIntoLimits(entry);
  }

  /** Starts the cooldown of a completed activity, with the duration that its policy sets. */
  #beginCooldown({ cooldown }: TargetEntry, rule: StepScaling | TargetTracking, from: number, count: number): void {
    let length: number;
    if (rule.type === "StepScaling") length = rule.cooldown;
    else length = count > from ? rule.scaleOutCooldown : rule.scaleInCooldown;
    cooldown.begin({ from, count, until: this.#now + length });
  }

  #createAlarms(policy: ScalingPolicy & { rule: TargetTracking }): string[] {
    const names = { resourceId: policy.resourceId, policyArn: policy.arn, uuid: this.#uuid };
    const { high, low } = trackingAlarms(policy.rule, names);
    const created = low === undefined ? [high] : [high, low];
    for (const alarm of created) this.#options.alarms.put(alarm);
    return created.map(({ name }) => name);
  }

  #hasAlarms(policy: ScalingPolicy): boolean {
    return policy.alarms.every((name) => this.#options.alarms.get(name) !== undefined);
  }

  #deleteAlarms(policy: ScalingPolicy): void {
    for (const name of policy.alarms) this.#options.alarms.delete(name);
  }

  #policyArn(resourceId: string, name: string): string {
    const { region, accountId } = this.#options;
    return `arn:aws:autoscaling:${region}:${accountId}:scalingPolicy:${this.#uuid()}:resource/sagemaker/${resourceId}:policyName/${name}`;
  }

  get #now(): number {
    return this.#options.clock.now();
  }
}
