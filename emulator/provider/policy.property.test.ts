import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { samePolicy } from "./policy.ts";

interface Statement {
  Sid: string;
  Effect: string;
  Action: string[];
  Resource: string[];
  Principal: Record<string, string[]>;
  Condition: Record<string, Record<string, string[]>>;
}

const words = (letter: string) =>
  fc.uniqueArray(
    fc.integer({ min: 0, max: 9 }).map((number) => `${letter}:${number}`),
    { minLength: 1, maxLength: 4 },
  );

const statement: fc.Arbitrary<Statement> = fc.record({
  Sid: fc.string({ maxLength: 5 }),
  Effect: fc.constantFrom("Allow", "Deny"),
  Action: words("action"),
  Resource: words("resource"),
  Principal: fc.record({ AWS: words("role"), Service: words("service") }),
  Condition: fc.record({ StringEquals: fc.record({ "aws:SourceAccount": words("account") }) }),
});

const document = fc.record({
  Version: fc.constant("2012-10-17"),
  Statement: fc.array(statement, { minLength: 1, maxLength: 4 }),
});

/** Returns the same value, with every list and every object's keys in the order of `seed`. */
function shuffle(value: unknown, seed: number): unknown {
  const order = <T>(items: readonly T[]): T[] => {
    const turned = items.map((item, index) => [item, (index * 7 + seed * 13) % 11] as const);
    return turned.sort(([, a], [, b]) => a - b).map(([item]) => item);
  };
  if (Array.isArray(value)) return order(value.map((item) => shuffle(item, seed)));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(order(Object.entries(value)).map(([key, held]) => [key, shuffle(held, seed)]));
}

/** Returns the same value with each list of one replaced by its item. */
function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 1 ? unwrap(value[0]) : value.map(unwrap);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, unwrap(held)]));
}

/** Ways to change one part. */
const changes: readonly ((one: Statement) => Statement)[] = [
  (one) => ({ ...one, Sid: `${one.Sid}x` }),
  (one) => ({ ...one, Effect: one.Effect === "Allow" ? "Deny" : "Allow" }),
  (one) => ({ ...one, Action: [...one.Action, "action:x"] }),
  (one) => ({ ...one, Resource: one.Resource.map((resource) => `${resource}x`) }),
  (one) => ({ ...one, Principal: { ...one.Principal, AWS: ["role:x"] } }),
  (one) => ({ ...one, Condition: { StringLike: one.Condition["StringEquals"] ?? {} } }),
];

describe("samePolicy", () => {
  it("sees no difference in another order of keys, statements, actions, resources, principals or values", () => {
    fc.assert(
      fc.property(document, fc.nat(), (policy, seed) => {
        assert.ok(samePolicy(JSON.stringify(policy), JSON.stringify(shuffle(policy, seed), undefined, 2)));
      }),
    );
  });

  it("sees no difference between a list of one and its item", () => {
    fc.assert(
      fc.property(document, (policy) => {
        assert.ok(samePolicy(JSON.stringify(policy), JSON.stringify(unwrap(policy))));
      }),
    );
  });

  it("sees every change of one part, in any order", () => {
    fc.assert(
      fc.property(document, fc.nat(), fc.constantFrom(...changes), fc.nat(), (policy, seed, change, which) => {
        const changed = {
          ...policy,
          Statement: policy.Statement.map((one, index) =>
            index === which % policy.Statement.length ? change(one) : one,
          ),
        };
        assert.ok(!samePolicy(JSON.stringify(policy), JSON.stringify(shuffle(changed, seed))));
      }),
    );
  });
});
