/** The check of `npm run check:iam`: which parts of the policies does no call need, and which forbidden calls are allowed? */
import { excuses } from "./excuses.ts";
import type { Excuse } from "./excuses.ts";
import { boundaryMutants, narrowingMutants, wideningMutants } from "./mutants.ts";
import type { NamedMutant } from "./mutants.ts";
import { forbiddenVariants } from "./probes.ts";
import { replay } from "./replay.ts";
import type { Call } from "./replay.ts";
import { separationAttempts } from "./separation.ts";
import { environmentStacks, everything } from "./world.ts";
import type { World } from "./world.ts";

/** Result of the check. */
export interface Verdict {
  readonly statements: number;
  /** Numbers of mutants. */
  readonly narrowing: number;
  readonly widening: number;
  /** Number of forbidden calls. */
  readonly probes: number;
  readonly excused: number;
  /** Mutants that no call shows and no excuse explains. */
  readonly unexplained: readonly NamedMutant[];
  /** Excuses about no such mutant. */
  readonly staleExcuses: readonly Excuse[];
  /** Forbidden calls that the policies allow. */
  readonly probesAllowed: readonly Call[];
  readonly separationAttempts: number;
  readonly separationAllowed: readonly Call[];
  /** For each call that was given: is it allowed? */
  readonly allowed: readonly boolean[];
}

const unique = (calls: readonly Call[]): Call[] => [
  ...new Map(calls.map((call) => [JSON.stringify(call), call])).values(),
];

/** Tells whether a document is the resource's own policy, or the trust policy of a role. */
const isOfResource = (name: string, world: World): boolean => name in world.attached || name.startsWith("trust:");

/**
 * Tells whether a document is one of a stack in an environment: a copy of the one of the stack `full`, with other names
 * and another key. Its mutants are left out.
 */
export const isCopy = (name: string): boolean =>
  Object.values(environmentStacks).some((stack) => name.includes(`video-${stack}-`) && !name.includes("async-video-"));

/** Evaluates an account's policies by the calls that they are for. */
export async function evaluate(world: World, calls: readonly Call[], excused: readonly Excuse[]): Promise<Verdict> {
  const attempts = unique(separationAttempts(calls, world));
  const variants = calls.flatMap(forbiddenVariants);
  const probes = unique(variants.map(({ call }) => call));
  const forbidden = new Set(
    variants.filter(({ mustBeDenied }) => mustBeDenied).map(({ call }) => JSON.stringify(call)),
  );
  const documents = Object.entries(world.documents).filter(([name]) => name !== everything && !isCopy(name));
  const narrowing = documents.flatMap(([name, document]) => narrowingMutants(name, document));
  const widening = [
    ...documents.flatMap(([name, document]) => wideningMutants(name, document, isOfResource(name, world))),
    ...boundaryMutants(world),
  ];
  const mutants = [...narrowing, ...widening];
  const all = [...calls, ...probes, ...attempts];
  const answers = await replay(
    world,
    all,
    mutants.map(({ mutant }) => mutant),
  );
  const survivors = mutants.filter((_, index) => answers.found[index] === null);
  const unexplained = survivors.filter((mutant) => !excused.some((excuse) => excuses(excuse, mutant)));
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
    staleExcuses: excused.filter((excuse) => !survivors.some((mutant) => excuses(excuse, mutant))),
    probesAllowed: probes.filter((call, index) => {
      const text = JSON.stringify(call);
      return forbidden.has(text) && !own.has(text) && isAllowed(calls.length + index);
    }),
    separationAttempts: attempts.length,
    separationAllowed: attempts.filter((_, index) => isAllowed(firstAttempt + index)),
    allowed: answers.allowed.slice(0, calls.length),
  };
}
