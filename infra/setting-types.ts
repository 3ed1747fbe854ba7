/** The types of settings that several settings have, each with the words for its valid values. */
import { z } from "zod";

/** What the error message says about a setting. */
export interface Setting {
  /** The values that are valid, in words. */
  readonly allowed: string;
  /** A valid value, for the command that mends a wrong one. */
  readonly example: string | number | boolean;
}

/** What the error messages say about each setting. */
export const settings = z.registry<Setting>();

/** Pulumi hands every value over as text, whatever the type it has in Pulumi.<stack>.yaml. */
const numeral = z.string().regex(/^-?\d+(\.\d+)?$/);

/** A whole number in a range. */
export function wholeNumber(min: number, max: number, defaultValue: number, unit = "") {
  const allowed = `a whole number from ${min} to ${max}${unit}`;
  return numeral
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .default(defaultValue)
    .register(settings, { allowed, example: defaultValue });
}

/** One of some numbers. */
export function oneOf(values: readonly number[], defaultValue: number, unit: string) {
  const allowed = `one of ${values.join(", ")}${unit}`;
  return numeral
    .transform(Number)
    .pipe(z.literal([...values]))
    .default(defaultValue)
    .register(settings, { allowed, example: defaultValue });
}

/** A number above 0. */
export function positiveNumber(max: number, defaultValue: number, unit = "") {
  const allowed = `a number above 0 and at most ${max}${unit}`;
  return numeral
    .transform(Number)
    .pipe(z.number().positive().max(max))
    .default(defaultValue)
    .register(settings, { allowed, example: defaultValue });
}

/** A number from 0 to 1. */
export function fraction(defaultValue: number) {
  return numeral
    .transform(Number)
    .pipe(z.number().min(0).max(1))
    .default(defaultValue)
    .register(settings, { allowed: "a number from 0 to 1", example: defaultValue });
}

/** ARN of a KMS key; a policy that names an alias gives no right to its key (IAM and KMS developer guides). */
export const kmsKeyArn = /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[a-zA-Z0-9-]+$/;

/** A list: Pulumi hands it over as JSON. `items` says in words what is in it. */
export function list<Item extends z.ZodType>(item: Item, items: string, sample: z.input<Item>) {
  const allowed = `a list of ${items}`;
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: "custom", message: allowed });
        return z.NEVER;
      }
    })
    .pipe(z.array(item))
    .default([])
    .register(settings, { allowed, example: `'${JSON.stringify([sample])}'` });
}
