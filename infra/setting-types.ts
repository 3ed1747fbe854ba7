/** The types that several settings share, each with a description of its valid values. */
import { z } from "zod";

/** Parts of the error message about a setting. */
export interface Setting {
  /** Description of the valid values. */
  readonly allowed: string;
  /** A valid value, for the command that fixes an invalid one. */
  readonly example: string | number | boolean;
}

/** Metadata of each setting for the error messages. */
export const settings = z.registry<Setting>();

/** Pulumi passes every value as text, whichever type it has in Pulumi.<stack>.yaml. */
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

/** ARN of a KMS key; a policy that names an alias gives no access to its key (IAM and KMS developer guides). */
export const kmsKeyArn = /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[a-zA-Z0-9-]+$/;

/** A value that Pulumi passes as JSON. `allowed` describes the valid values. */
export function json(allowed: string) {
  return z.string().transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: "custom", message: allowed });
      return z.NEVER;
    }
  });
}

/** A list, which Pulumi passes as JSON. `items` describes its items. */
export function list<Item extends z.ZodType>(item: Item, items: string, sample: z.input<Item>) {
  const allowed = `a list of ${items}`;
  return json(allowed)
    .pipe(z.array(item))
    .default([])
    .register(settings, { allowed, example: `'${JSON.stringify([sample])}'` });
}
