/** Changes of single statements, each of which a call must show. */
import type { Mutant } from "./replay.ts";
import { everything } from "./account-policies.ts";
import type { Document, Statement, AccountPolicies } from "./account-policies.ts";

/** A mutant with words for the report. */
export interface NamedMutant {
  readonly mutant: Mutant;
  readonly policy: string;
  /** Sid of the statement, or its number. */
  readonly sid: string;
  /** The removed part, such as "action s3:GetObject" or "condition". */
  readonly removed: string;
}

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

/** Returns the narrowing mutants of a document: each Allow without itself, without one action, without one resource. */
export function narrowingMutants(policy: string, document: Document): NamedMutant[] {
  return document.Statement.flatMap((statement, index) => {
    if (statement.Effect !== "Allow") return [];
    const { Action, Resource } = statement;
    const named = mutantsOf(policy, statement, index, true);
    const [actions, resources] = [list(Action), list(Resource)];
    return [
      named("statement", null),
      // Without its only action, a statement is as good as removed.
      ...(actions.length === 1
        ? []
        : actions.map((action) =>
            named(`action ${action}`, { ...statement, Action: actions.filter((each) => each !== action) }),
          )),
      ...(resources.length <= 1
        ? []
        : resources.map((resource) =>
            named(`resource ${resource}`, { ...statement, Resource: resources.filter((each) => each !== resource) }),
          )),
    ];
  });
}

/**
 * Returns the widening mutants of a document: an Allow without its condition, without one key of a condition with several,
 * or with one resource replaced by "*", and without a Deny.
 * @param ofResource true for a resource's own policy, in which "*" is only the resource itself
 */
export function wideningMutants(policy: string, document: Document, ofResource: boolean): NamedMutant[] {
  return document.Statement.flatMap((statement, index) => {
    const named = mutantsOf(policy, statement, index, false);
    if (statement.Effect === "Deny") return [named("statement", null)];
    const { Condition, ...unconditional } = statement;
    const resources = ofResource ? [] : list(statement.Resource).filter((resource) => resource !== "*");
    return [
      ...(Condition === undefined ? [] : [named("condition", unconditional)]),
      ...withoutOneKey(Condition ?? {}).map(({ removed, rest }) => named(removed, { ...statement, Condition: rest })),
      ...resources.map((resource) =>
        named(`limit to resource ${resource}`, {
          ...statement,
          Resource: list(statement.Resource).map((each) => (each === resource ? "*" : each)),
        }),
      ),
    ];
  });
}

/** Returns a condition without each of its operators' keys; nothing for a condition with one key. */
function withoutOneKey(
  condition: NonNullable<Statement["Condition"]>,
): { readonly removed: string; readonly rest: NonNullable<Statement["Condition"]> }[] {
  const keys = Object.entries(condition).flatMap(([operator, of]) => Object.keys(of).map((key) => ({ operator, key })));
  if (keys.length <= 1) return [];
  return keys.map((left) => {
    const operators = Object.entries(condition).map(([operator, of]) => {
      const kept = Object.entries(of).filter(([key]) => operator !== left.operator || key !== left.key);
      return [operator, Object.fromEntries(kept)] as const;
    });
    return {
      removed: `condition ${left.operator} ${left.key}`,
      rest: Object.fromEntries(operators.filter(([, of]) => Object.keys(of).length > 0)),
    };
  });
}

function mutantsOf(policy: string, { Sid }: Statement, index: number, narrows: boolean) {
  return (removed: string, replacement: Statement | null): NamedMutant => ({
    mutant: { document: policy, statement: index, replacement, narrows },
    policy,
    sid: Sid ?? `statement ${index + 1}`,
    removed,
  });
}

/** Returns the widening mutants that remove a boundary: one for each boundary, of the role with the widest policy. */
export function boundaryMutants(account: AccountPolicies): NamedMutant[] {
  return Object.entries(account.roles).flatMap(([role, { policies, boundary }]) =>
    boundary === undefined || !policies.includes(everything)
      ? []
      : [
          {
            mutant: { role, narrows: false },
            policy: boundary,
            sid: role.split("/").at(-1) ?? role,
            removed: "boundary",
          },
        ],
  );
}
