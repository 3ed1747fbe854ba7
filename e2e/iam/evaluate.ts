/** The check of `npm run check:iam`: which parts of the policies does no call need, and which forbidden calls are allowed? */
import { accepts } from "./accepted-mutants.ts";
import type { AcceptedMutants } from "./accepted-mutants.ts";
import { boundaryMutants, narrowingMutants, wideningMutants } from "./mutants.ts";
import type { NamedMutant } from "./mutants.ts";
import { forbiddenVariants } from "./forbidden-calls.ts";
import { replay } from "./replay.ts";
import type { Call } from "./replay.ts";
import { separationAttempts } from "./separation.ts";
import { environmentStacks, everything } from "./account-policies.ts";
import type { AccountPolicies } from "./account-policies.ts";

/** Result of the check. */
export interface Verdict {
  readonly statements: number;
  /** Numbers of mutants. */
  readonly narrowing: number;
  readonly widening: number;
  /** Number of forbidden calls. */
  readonly probes: number;
  /** Number of accepted mutants. */
  readonly excused: number;
  /** Mutants that no call shows, and that are not accepted. */
  readonly unexplained: readonly NamedMutant[];
  /** Entries of the accepted mutants that are about no such mutant. */
  readonly staleEntries: readonly AcceptedMutants[];
  /** Forbidden calls that the policies allow. */
  readonly forbiddenAllowed: readonly Call[];
  readonly separationAttempts: number;
  readonly separationAllowed: readonly Call[];
  /** For each call that was given: is it allowed? */
  readonly allowed: readonly boolean[];
}

const unique = (calls: readonly Call[]): Call[] => [
  ...new Map(calls.map((call) => [JSON.stringify(call), call])).values(),
];

/** Tells whether a document is the resource's own policy, or the trust policy of a role. */
const isOfResource = (name: string, account: AccountPolicies): boolean =>
  name in account.attached || name.startsWith("trust:");

/**
 * Tells whether a document is one of a stack in an environment: a copy of the one of the stack `full`, with other names
 * and another key. Its mutants are left out.
 */
export const isCopy = (name: string): boolean =>
  Object.values(environmentStacks).some((stack) => name.includes(`video-${stack}-`) && !name.includes("async-video-"));

/** Evaluates an account's policies by the calls that they are for. */
export async function evaluate(
  account: AccountPolicies,
  calls: readonly Call[],
  accepted: readonly AcceptedMutants[],
): Promise<Verdict> {
  const attempts = unique(separationAttempts(calls, account));
  const variants = calls.flatMap(forbiddenVariants);
  const probes = unique(variants.map(({ call }) => call));
  const mustBeDenied = new Set(
    variants.filter((variant) => variant.mustBeDenied).map(({ call }) => JSON.stringify(call)),
  );
  const documents = Object.entries(account.documents).filter(([name]) => name !== everything && !isCopy(name));
  const narrowing = documents.flatMap(([name, document]) => narrowingMutants(name, document));
  const widening = [
    ...documents.flatMap(([name, document]) => wideningMutants(name, document, isOfResource(name, account))),
    ...boundaryMutants(account),
  ];
  const mutants = [...narrowing, ...widening];
  const all = [...calls, ...probes, ...attempts];
  const answers = await replay(
    account,
    all,
    mutants.map(({ mutant }) => mutant),
  );
  const survivors = mutants.filter((_, index) => answers.found[index] === null);
  const unexplained = survivors.filter((mutant) => !accepted.some((entry) => accepts(entry, mutant)));
  const isAllowed = (index: number): boolean => answers.allowed[index] === true;
  const own = new Set(calls.map((call) => JSON.stringify(call)));
  const firstAttempt = calls.length + probes.length;
  return {
    statements: documents.reduce((sum, [, { Statement }]) => sum + Statement.length, 0),
    narrowing: narrowing.length,
    widening: widening.length,
    probes: probes.filter((_, index) => !isAllowed(calls.length + index)).length,
    excused: survivors.length - unexplained.length,
    unexplained,
    staleEntries: accepted.filter((entry) => !survivors.some((mutant) => accepts(entry, mutant))),
    forbiddenAllowed: probes.filter((call, index) => {
      const text = JSON.stringify(call);
      return mustBeDenied.has(text) && !own.has(text) && isAllowed(calls.length + index);
    }),
    separationAttempts: attempts.length,
    separationAllowed: attempts.filter((_, index) => isAllowed(firstAttempt + index)),
    allowed: answers.allowed.slice(0, calls.length),
  };
}
