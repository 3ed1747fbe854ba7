/** A job's matrix: the combinations of values that the job runs with. */
import { z } from "zod";
import type { Value } from "./expressions.ts";

const combination = z.record(z.string(), z.json());
const matrix = z.object({ include: z.array(combination).default([]) }).catchall(z.array(z.json()));

/**
 * Returns the combinations as GitHub does: each value of one axis with each of the others, then those of `include`, which
 * is supported only for a matrix without axes.
 * @param given the matrix with its expressions evaluated; null: the job has none, and runs once
 */
export function combinationsOf(given: Value): Readonly<Record<string, Value>>[] {
  if (given === null) return [{}];
  const { include, ...axes } = matrix.parse(given);
  if ("exclude" in axes) throw new Error("The test does not support a matrix with exclude");
  if (Object.keys(axes).length === 0) return include;
  for (const [name, values] of Object.entries(axes)) {
    if (values.length === 0) throw new Error(`Matrix vector '${name}' does not contain any values`);
  }
  if (include.length > 0) throw new Error("The test does not support a matrix with both axes and include");
  return Object.entries(axes).reduce<Record<string, Value>[]>(
    (all, [name, values]) => all.flatMap((each) => values.map((value) => ({ ...each, [name]: value }))),
    [{}],
  );
}
