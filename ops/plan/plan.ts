/** `npm run plan`: how long a load takes on a stack, and what it costs, before anything is paid for. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { InvalidArgumentError } from "commander";
import { createCommand, oneOf, wholeNumber } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { UsageError, UserError } from "../../lib/errors.ts";
import { writeWhole } from "../../lib/files.ts";
import { jsonLine } from "../../lib/printable.ts";
import { parseMinutes } from "../../planner/inputs.ts";
import { plan } from "../../planner/plan.ts";
import type { PlanResult } from "../../planner/plan.ts";
import { scenarioNames } from "../../planner/scenarios.ts";
import type { PlanSettings } from "../../planner/settings.ts";
import { compare, recommend, search } from "../../planner/search.ts";
import type { Evaluated } from "../../planner/search.ts";
import { planInput } from "./options.ts";
import { renderPlan } from "./report.ts";
import { comparisonText, foundText, measuredText, planText } from "./text.ts";

/** Parses an option that takes a number above 0. */
function positive(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError("takes a number above 0");
}

/** Defines `plan`. */
export function planCommand({ stdout, signal }: CommandContext) {
  return createCommand("plan", "show how long a load takes on a stack, and what it costs")
    .description(
      "Simulates a load with the stack's scaling in virtual time. Prints waits, instances and cost. Calls no AWS API.",
    )
    .option("--stack <name>", "stack whose settings apply, from Pulumi.NAME.yaml (default: the default settings)")
    .option("--scenario <name>", `load and settings of a scenario: ${scenarioNames.join(", ")}`, oneOf(scenarioNames))
    .option("--burst <number>", "videos at the start", wholeNumber("a whole number", 1, 10_000_000))
    .option("--arrivals <rate>", "later videos: poisson:4/min, steady:20/h, or a FILE with one arrival (s) per line")
    .option("--hours <number>", "duration of poisson and steady arrivals (default: 1)", positive)
    .option("--seconds <time>", "processing time of a video: 30, or lognormal:MEAN,P95")
    .option("--from-results <folder>", "processing times from results that fetch has downloaded")
    .option("--from-burst <file>", "the burst in a measurements.json that burst has written; compares plan and burst")
    .option("--start-minutes <number>", "time to start an instance (default: 4)", positive)
    .option("--concurrency <number>", "videos that an instance processes at a time", wholeNumber("a number", 1, 1000))
    .option("--max <number>", "maximum number of instances", wholeNumber("a number", 1, 1000))
    .option("--target <number>", "backlogTarget", positive)
    .option("--scale-in <mode>", "when instances stop: idle or tracking", oneOf(["idle", "tracking"]))
    .option("--idle-minutes <number>", "minutes until idle instances stop", wholeNumber("a number", 1, 480))
    .option("--instance <type>", "instance type")
    .option("--price <usd>", "price of an instance-hour (default: that of the type in us-east-1)", positive)
    .option("--timeout <seconds>", "maximum processing time", wholeNumber("a number of seconds", 1, 3600))
    .option("--ttl <seconds>", "maximum time in the queue (default: 21600)", wholeNumber("a number", 60, 21_600))
    .option("--deadline <time>", "find the cheapest settings that finish in time, such as 2h", parseMinutes)
    .option("--budget <usd>", "find the fastest settings within a budget", positive)
    .option("--compare", "compare waiting time and cost of several settings", false)
    .option("--seed <number>", "seed of the random numbers", wholeNumber("a whole number", 0, 1_000_000), 1)
    .option("--html <file>", "write a report with charts, one HTML page, to a file")
    .option("--json", "print one JSON object to standard output", false)
    .addHelpText(
      "after",
      `
Example:
  npm run plan -- --stack prod --burst 1000 --seconds 30

Exit status: 0 planned; 1 videos expire, or no settings are within the limits; 2 invalid input.`,
    )
    .action(async ({ json, html, deadline, budget, compare: compares, ...options }) => {
      if (compares && (deadline !== undefined || budget !== undefined)) {
        throw new UsageError("Use either --compare or a limit (--deadline, --budget)");
      }
      if (compares && html !== undefined) throw new UsageError("Use either --compare or --html");
      const input = await planInput(options);
      const { settings, load, simulation, measured } = input;
      if ((compares || deadline !== undefined || budget !== undefined) && simulation.scaling !== undefined) {
        throw new UsageError(
          `The scaling of the scenario ${options.scenario ?? ""} is fixed: leave out --compare, --deadline and --budget`,
        );
      }
      const print = (text: string, value: object): void => void stdout.write(json ? `${jsonLine(value)}\n` : text);
      const write = async (planned: PlanSettings, result: PlanResult): Promise<{ report?: string }> => {
        if (html === undefined) return {};
        const file = resolve(html);
        await writeWhole(file, await renderPlan({ ...input, settings: planned }, result, options));
        return { report: file };
      };
      if (compares) {
        const evaluated = await compare(settings, load, signal);
        const recommended = recommend(settings, evaluated);
        const value = { plans: evaluated.map(flat), recommended: recommended && flat(recommended) };
        print(comparisonText(evaluated, recommended), value);
      } else if (deadline !== undefined || budget !== undefined) {
        const found = await search(settings, load, { deadline, budget }, signal);
        const report = await write({ ...settings, ...found.candidate }, found.result);
        print(foundText(found) + shown(report), { ...flat(found), ...report });
      } else {
        const result = await plan(settings, load, simulation);
        const report = await write(settings, result);
        const agreement = measured === undefined ? "" : measuredText(result, measured.result);
        const compared = measured === undefined ? {} : { measured: measured.result };
        print(planText(result) + agreement + shown(report), { ...result, ...compared, ...report });
        refuseExpired(result, settings.timeToLive);
      }
    });
}

function shown({ report }: { readonly report?: string }): string {
  return report === undefined ? "" : `report: ${pathToFileURL(report).href}\n`;
}

/** Returns the JSON form of a plan with the settings that were changed for it. */
function flat({ candidate, result }: Evaluated): object {
  const { maxCapacity, backlogTarget, scaleIn } = candidate;
  return { settings: { maxCapacity, backlogTarget, scaleIn }, ...result };
}

function refuseExpired({ expired, requests }: PlanResult, timeToLive: number): void {
  if (expired === 0) return;
  throw new UserError(`${expired} of ${requests} videos expire: they wait longer than ${timeToLive} s in the queue.`, {
    hint: "raise --max or --ttl (at most 21600), or send fewer videos at once",
  });
}
