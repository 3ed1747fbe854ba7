/**
 * Costs of a stack's settings, for the comment on a pull request: `pipeline costs`. A pull request's code writes the files, so the job
 * that comments treats them as data.
 */
import { lstat, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { describe, UserError } from "../../lib/errors.ts";
import { makeFolder } from "../../lib/files.ts";
import { printableText } from "../../lib/printable.ts";
import { plan } from "../../planner/plan.ts";
import { readScenario, scenarioNames } from "../../planner/scenarios.ts";
import { atLimitMonthly, atRestMonthly } from "../doctor/price.ts";
import { planInput } from "../plan/options.ts";
import type { Job } from "./job.ts";
import { redacted } from "./redact.ts";

/** Bytes of a file. */
const fileLimit = 64 * 1024;
/** Characters of a problem's text. */
const problemLimit = 300;

const problem = z.string().max(problemLimit);
const amount = z.number().nonnegative();

const scenario = z.union([
  z.strictObject({
    name: z.string().regex(/^[a-z0-9-]{1,40}$/),
    /** USD. */
    usd: amount,
    /** From the first arrival to the end of the last video. */
    minutes: amount,
    /** Number of videos that expire in the queue. */
    expired: amount,
  }),
  z.strictObject({ name: z.string().regex(/^[a-z0-9-]{1,40}$/), problem }),
]);

const schema = z.union([
  z.strictObject({
    stack: z.string(),
    /** USD a month without videos. */
    rest: amount,
    /** USD a month with the maximum number of instances. */
    limit: amount,
    /** Each load of the planner, on the stack's settings. */
    scenarios: z.array(scenario).max(20),
  }),
  /** Nothing is known, for example because the instance type has no known price. */
  z.strictObject({ stack: z.string(), problem }),
]);

/** Costs of a stack's settings, or the reason why they are unknown. */
export type StackCosts = z.infer<typeof schema>;

/** Options of `pipeline costs`. */
interface CostsOptions {
  readonly stacks: readonly string[];
  /** Folder for a file for each stack. */
  readonly to: string;
}

/** Computes the costs of stacks from their settings files, and writes a file for each. Settings without known costs are no error. */
export async function costs({ stacks, to }: CostsOptions, { stdout }: Job): Promise<void> {
  makeFolder(to);
  for (const stack of stacks) {
    const found = await costsOf(stack);
    await writeFile(fileOf(to, stack), `${JSON.stringify(found)}\n`);
    stdout.write(
      `${stack}: ${"problem" in found ? found.problem : `${found.limit.toFixed(2)} USD a month at the limit`}\n`,
    );
  }
}

/** Computes the costs of a stack's settings. */
export async function costsOf(stack: string): Promise<StackCosts> {
  try {
    const scenarios: z.infer<typeof scenario>[] = [];
    for (const name of scenarioNames) scenarios.push(await scenarioCost(stack, name));
    const { settings } = await planInput({ stack, burst: 1, seconds: "1", seed: 1 });
    return { stack, rest: atRestMonthly(settings), limit: atLimitMonthly(settings), scenarios };
  } catch (error) {
    return { stack, problem: problemOf(error) };
  }
}

/** Returns the cost of a scenario's load; the settings are the stack's. */
async function scenarioCost(stack: string, name: string): Promise<z.infer<typeof scenario>> {
  const { burst, arrivals, hours, seconds, startMinutes } = readScenario(name);
  const { settings, load } = await planInput({ stack, burst, arrivals, hours, seconds, startMinutes, seed: 1 });
  try {
    const { usd, drain_minutes: minutes, expired } = await plan(settings, load);
    return { name, usd, minutes, expired };
  } catch (error) {
    return { name, problem: problemOf(error) };
  }
}

/** @throws the error unless it is one of the input */
function problemOf(error: unknown): string {
  if (!(error instanceof UserError)) throw error;
  return describe(error).slice(0, problemLimit);
}

/** Reads the costs of a stack from a folder. A file that is missing, or is not one of costs, is a problem and no error. The texts are printable and redacted. */
export async function readCosts(folder: string, stack: string): Promise<StackCosts> {
  const file = fileOf(folder, stack);
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) return { stack, problem: "the costs were not computed" };
  const text = found.isFile() && found.size <= fileLimit ? await readFile(file, "utf8") : "";
  const checked = schema.safeParse(parsed(text));
  if (!checked.success || checked.data.stack !== stack)
    return { stack, problem: "the file with the costs is not valid" };
  const { data } = checked;
  if ("problem" in data) return { stack, problem: printable(data.problem) };
  return {
    ...data,
    scenarios: data.scenarios.map((each) => ("problem" in each ? { ...each, problem: printable(each.problem) } : each)),
  };
}

function printable(text: string): string {
  return printableText(redacted(text)).replaceAll(/\s+/g, " ");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fileOf(folder: string, stack: string): string {
  return join(folder, `${stack}.costs.json`);
}

/** Returns a table of the costs before and after a change, as plain text. */
export function costsTable(before: StackCosts, after: StackCosts): string {
  const columns = [before, after].map(cellsOf);
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  const rows = names.map((name) => [name, ...columns.map((column) => column.get(name) ?? "unknown")]);
  const table = [["", "before", "after"], ...rows];
  const widths = [0, 1].map((index) => Math.max(...table.map((row) => row[index]?.length ?? 0)));
  const problems = [...problemsOf("before", before), ...problemsOf("after", after)];
  return [
    ...table.map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
    ...(problems.length === 0 ? [] : ["", ...problems]),
  ].join("\n");
}

function problemsOf(when: string, stackCosts: StackCosts): readonly string[] {
  if ("problem" in stackCosts) return [`${when}: the costs are unknown: ${stackCosts.problem}`];
  return stackCosts.scenarios.flatMap((each) => ("problem" in each ? [`${when}, ${each.name}: ${each.problem}`] : []));
}

function cellsOf(stackCosts: StackCosts): ReadonlyMap<string, string> {
  const cells = new Map(["a month at rest", "a month at the limit"].map((name) => [name, "unknown"]));
  if ("problem" in stackCosts) return cells;
  const usd = (value: number): string => `${value.toFixed(2)} USD`;
  cells.set("a month at rest", usd(stackCosts.rest)).set("a month at the limit", usd(stackCosts.limit));
  for (const each of stackCosts.scenarios) {
    if ("problem" in each) continue;
    const expired = each.expired === 0 ? "" : `, ${each.expired} expire`;
    cells.set(each.name, `${usd(each.usd)} in ${each.minutes.toFixed(0)} min${expired}`);
  }
  return cells;
}
