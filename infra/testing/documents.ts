/** Reads policy documents as tests want them. */
import { z } from "zod";

const list = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const documentSchema = z.strictObject({
  Version: z.literal("2012-10-17"),
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.enum(["Allow", "Deny"]),
      Principal: z.unknown().optional(),
      Action: list,
      Resource: list.optional(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    }),
  ),
});

/** One statement, its actions and resources as lists. */
export type Statement = z.infer<typeof documentSchema>["Statement"][number];

/** The statements of a policy as it was registered. */
export function statements(policy: unknown): Statement[] {
  return documentSchema.parse(policy).Statement;
}

/** The statement with a Sid. Throws if there is none. */
export function statement(policy: unknown, sid: string): Statement {
  const found = statements(policy).find(({ Sid }) => Sid === sid);
  if (found === undefined) throw new Error(`no statement ${sid}`);
  return found;
}

/** Whether statements allow a call; conditions aside, of which the policies under test have none. */
export function allows(
  statements: readonly Statement[],
  { action, resource }: { action: string; resource: string },
): boolean {
  const matches = (pattern: string): boolean => {
    const escaped = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
    return new RegExp(`^${escaped.replaceAll("*", ".*")}$`).test(resource);
  };
  return statements.some(
    ({ Effect, Action, Resource = [] }) => Effect === "Allow" && Action.includes(action) && Resource.some(matches),
  );
}
