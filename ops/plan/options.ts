/** The options of `plan`, and the plan that they describe. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ScaleIn } from "../../infra/scaling-types.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import { readBurst } from "../../planner/burst.ts";
import type { MeasuredBurst } from "../../planner/burst.ts";
import { parseArrivals, parseServiceTime, readServiceTimes } from "../../planner/inputs.ts";
import { drawLoad } from "../../planner/load.ts";
import type { Load, LoadSpecification } from "../../planner/load.ts";
import { readScenario, scalingByOne } from "../../planner/scenarios.ts";
import type { Scenario } from "../../planner/scenarios.ts";
import { planSettings } from "../../planner/settings.ts";
import type { PlanSettings } from "../../planner/settings.ts";
import type { SimulationOptions } from "../../planner/simulation.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { artifactKey, namespace, parseSettings, textValues } from "../deployment/settings-file.ts";

/** The options that describe load and settings. */
export interface PlanOptions {
  readonly stack?: string | undefined;
  readonly scenario?: string | undefined;
  readonly burst?: number | undefined;
  readonly arrivals?: string | undefined;
  readonly hours?: number | undefined;
  readonly seconds?: string | undefined;
  readonly fromResults?: string | undefined;
  readonly fromBurst?: string | undefined;
  readonly startMinutes?: number | undefined;
  readonly ttl?: number | undefined;
  readonly price?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly max?: number | undefined;
  readonly target?: number | undefined;
  readonly scaleIn?: ScaleIn | undefined;
  readonly idleMinutes?: number | undefined;
  readonly instance?: string | undefined;
  readonly timeout?: number | undefined;
  readonly seed: number;
}

/** A load, and the settings of the stack that gets it. */
export interface PlanInput {
  readonly settings: PlanSettings;
  readonly load: Load;
  /** Draws the load with another seed. */
  readonly loadOf: (seed: number) => Load;
  /** Scaling of a scenario, or measurements of a burst; empty if the settings give everything. */
  readonly simulation: Pick<SimulationOptions, "phase" | "scaling" | "startUps">;
  /** The burst that is planned. */
  readonly measured?: MeasuredBurst;
}

/** Options that a measured burst replaces. */
const loadOptions = {
  ...{ scenario: "--scenario", burst: "--burst", arrivals: "--arrivals", hours: "--hours", seconds: "--seconds" },
  ...{ fromResults: "--from-results", startMinutes: "--start-minutes" },
} as const;

/**
 * Reads scenario, stack and files. Options count more than the scenario or the burst, and these more than the stack.
 * @throws InvalidInputError
 */
export async function planInput(options: PlanOptions): Promise<PlanInput> {
  return options.fromBurst === undefined ? await ownInput(options) : await burstInput(options, options.fromBurst);
}

async function burstInput(options: PlanOptions, file: string): Promise<PlanInput> {
  for (const [name, flag] of Object.entries(loadOptions)) {
    if (options[name as keyof typeof loadOptions] !== undefined) {
      throw new InvalidInputError(`Use either --from-burst or ${flag}, not both.`);
    }
  }
  const measured = await readBurst(file);
  const { load, simulation, startMinutes, timeToLive, settings: found } = measured;
  const settings = await settingsOf({ ttl: timeToLive, ...options }, { settings: found, startMinutes });
  return { settings, load, loadOf: () => load, simulation, measured };
}

async function ownInput(options: PlanOptions): Promise<PlanInput> {
  const scenario = options.scenario === undefined ? undefined : readScenario(options.scenario);
  const specification = await specificationOf(options, scenario);
  const loadOf = (seed: number): Load => drawLoad(specification, seed);
  const load = loadOf(options.seed);
  const settings = await settingsOf(options, scenario);
  return {
    settings,
    load,
    loadOf,
    simulation: scenario?.fromZero === "one" ? { scaling: scalingByOne(settings) } : {},
  };
}

async function specificationOf(options: PlanOptions, scenario: Partial<Scenario> = {}): Promise<LoadSpecification> {
  const isOwn = options.burst !== undefined || options.arrivals !== undefined;
  const { burst, arrivals } = isOwn ? options : scenario;
  const { hours = scenario.hours ?? 1, seconds = scenario.seconds, fromResults } = options;
  if (options.seconds !== undefined && fromResults !== undefined) {
    throw new InvalidInputError("Use either --seconds or --from-results, not both.");
  }
  const service = fromResults === undefined ? fixed(seconds) : await readServiceTimes(fromResults);
  return { burst, arrivals: arrivals === undefined ? undefined : await parseArrivals(arrivals, hours), service };
}

function fixed(seconds: string | undefined) {
  if (seconds !== undefined) return parseServiceTime(seconds);
  throw new InvalidInputError("The plan needs the processing time of a video.", {
    hint: "give --seconds 30, --seconds lognormal:30,60, or --from-results FOLDER",
  });
}

async function settingsOf(
  options: PlanOptions,
  scenario: { readonly settings?: object; readonly startMinutes?: number | undefined } = {},
): Promise<PlanSettings> {
  const given = {
    maxConcurrency: options.concurrency,
    maxCapacity: options.max,
    backlogTarget: options.target,
    scaleIn: options.scaleIn,
    idleMinutes: options.idleMinutes,
    instanceType: options.instance,
    invocationTimeout: options.timeout,
  };
  const values = { ...scenario.settings, ...defined(given) };
  const stack = await stackSettings(options.stack, values);
  const startMinutes = options.startMinutes ?? scenario.startMinutes;
  return planSettings(stack, { startMinutes, timeToLive: options.ttl, price: options.price });
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** Reads a stack's settings, or the defaults without a stack, with some values replaced. */
async function stackSettings(stack: string | undefined, replaced: Readonly<Record<string, unknown>>) {
  const file = join(repoRoot, `Pulumi.${stack ?? ""}.yaml`);
  if (stack !== undefined && !existsSync(file)) {
    throw new InvalidInputError(`This project has no stack ${stack}: there is no file Pulumi.${stack}.yaml.`, {
      hint: "give another --stack, or leave it out to plan with the default settings",
    });
  }
  const config = stack === undefined ? {} : (await parseSettings(file)).config;
  const own = Object.entries(replaced).map(([key, value]) => [`${namespace}:${key}`, value]);
  // The artifact does not matter for a plan, and may not be built.
  const artifact = { [artifactKey]: "Pulumi.yaml" };
  // Loaded here, because Pulumi's SDK takes seconds: the command line must be checked first.
  const { ConfigError, parseConfig } = await import("../../infra/config.ts");
  try {
    const values = textValues({ ...config, ...artifact, ...(Object.fromEntries(own) as Record<string, unknown>) });
    return parseConfig(values, { namespace, stack: stack ?? "plan", projectRoot: repoRoot, advice });
  } catch (error) {
    if (error instanceof ConfigError) throw new InvalidInputError(error.message);
    throw error;
  }
}

/** Options that replace settings, by setting. */
const optionOf: Readonly<Record<string, string>> = {
  maxConcurrency: "--concurrency",
  maxCapacity: "--max",
  backlogTarget: "--target",
  scaleIn: "--scale-in",
  idleMinutes: "--idle-minutes",
  instanceType: "--instance",
  invocationTimeout: "--timeout",
};

const advice = {
  set: (key: string, value: string | number | boolean) => {
    const name = key.slice(namespace.length + 1);
    return `Set it in the stack's file, or give ${optionOf[name] ?? "another value"} ${value}`;
  },
  remove: (key: string) => `Remove ${key} from the stack's file`,
};
