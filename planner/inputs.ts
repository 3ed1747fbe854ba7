/** Parses the texts and files that describe a load. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { describe, InvalidInputError } from "../lib/errors.ts";
import type { Arrivals, ServiceTime } from "./load.ts";

const number = String.raw`(\d+(?:\.\d+)?)`;
const rates: Readonly<Record<string, number>> = { s: 3_600, min: 60, h: 1 };

/**
 * Parses `poisson:4/min`, `steady:20/h` or the name of a file with one arrival per line, in seconds from the start.
 * @param hours duration of poisson and steady arrivals
 * @throws InvalidInputError
 */
export async function parseArrivals(text: string, hours: number): Promise<Arrivals> {
  const [, kind, count, unit = ""] = new RegExp(`^(poisson|steady):${number}/(s|min|h)$`).exec(text) ?? [];
  const perHour = Number(count) * (rates[unit] ?? NaN);
  if (kind !== undefined && perHour > 0) return { kind: kind === "poisson" ? kind : "steady", perHour, hours };
  if (/^(poisson|steady)\b/.test(text)) {
    throw new InvalidInputError(`--arrivals ${text} is not a rate.`, { hint: "write for example poisson:4/min" });
  }
  return { kind: "times", seconds: await readTimes(text) };
}

async function readTimes(file: string): Promise<number[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new InvalidInputError(`The arrivals cannot be read from ${file}: ${describe(error)}.`, {
      hint: "--arrivals takes poisson:RATE, steady:RATE, or a file with one arrival per line",
    });
  });
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.flatMap((line, index) => {
    if (line === "") return [];
    if (new RegExp(`^${number}$`).test(line)) return [Number(line)];
    throw new InvalidInputError(
      `Line ${index + 1} of ${file} is ${JSON.stringify(line)}, not a time in seconds from the start.`,
    );
  });
}

/**
 * Parses the processing time of a video: `30`, or `lognormal:MEAN,P95`, in seconds.
 * @throws InvalidInputError
 */
export function parseServiceTime(text: string): ServiceTime {
  const [fixed] = new RegExp(`^${number}$`).exec(text) ?? [];
  if (Number(fixed) > 0) return { kind: "fixed", seconds: Number(fixed) };
  const [, mean, p95] = new RegExp(`^lognormal:${number},${number}$`).exec(text) ?? [];
  if (Number(mean) > 0) return { kind: "lognormal", mean: Number(mean), p95: Number(p95) };
  throw new InvalidInputError(`--seconds ${text} is not a processing time.`, {
    hint: "write seconds, such as 30, or lognormal:MEAN,P95, such as lognormal:30,60",
  });
}

const resultFile = z.object({ timing: z.object({ total_seconds: z.number().positive() }) });

/**
 * Reads the processing times from the results in a folder, as `fetch` stores them.
 * @throws InvalidInputError if the folder has none
 */
export async function readServiceTimes(folder: string): Promise<ServiceTime> {
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new InvalidInputError(`The results cannot be read from ${folder}: ${describe(error)}.`);
  });
  const seconds: number[] = [];
  for (const name of names.filter((each) => each.endsWith(".json")).sort()) {
    const result = resultFile.safeParse(parsed(await readFile(join(folder, name), "utf8")));
    if (result.success) seconds.push(result.data.timing.total_seconds);
  }
  if (seconds.length > 0) return { kind: "measured", seconds };
  throw new InvalidInputError(`${folder} has no results with a processing time.`, {
    hint: "give the folder into which `npm run fetch` has downloaded results",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const hoursOf: Readonly<Record<string, number>> = { min: 1 / 60, h: 1, d: 24 };

/**
 * Parses a duration such as `90min`, `2h` or `1d`; returns minutes.
 * @throws InvalidInputError
 */
export function parseMinutes(text: string): number {
  const [, count, unit = ""] = new RegExp(`^${number}(min|h|d)$`).exec(text) ?? [];
  const minutes = Number(count) * (hoursOf[unit] ?? NaN) * 60;
  if (minutes > 0) return minutes;
  throw new InvalidInputError(`${text} is not a duration.`, { hint: "write for example 90min or 2h" });
}
