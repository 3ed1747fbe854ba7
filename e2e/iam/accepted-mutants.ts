/** Mutants that no call shows although the permission is right, each group with its reason. */
import { z } from "zod";
import type { NamedMutant } from "./mutants.ts";

const schema = z.array(
  z.strictObject({
    /** Regular expressions of the whole name, Sid and removed part. @default all */
    policy: z.string().optional(),
    sid: z.string().optional(),
    removed: z.string().optional(),
    reason: z.string().min(1),
    source: z.string().min(1),
  }),
);

/** A group of mutants with its reason. */
export type AcceptedMutants = z.infer<typeof schema>[number];

/**
 * Validates the list.
 * @throws ZodError if an entry lacks its reason or source
 */
export function parseAcceptedMutants(value: unknown): AcceptedMutants[] {
  return schema.parse(value);
}

const fits = (pattern: string | undefined, text: string): boolean =>
  pattern === undefined || new RegExp(`^(?:${pattern})$`).test(text);

/** Tells whether an entry is about a mutant. */
export function accepts({ policy, sid, removed }: AcceptedMutants, mutant: NamedMutant): boolean {
  return fits(policy, mutant.policy) && fits(sid, mutant.sid) && fits(removed, mutant.removed);
}
