/** Mutations that break one thing in a stack. */
import fc from "fast-check";
import { set } from "./broken-stack.ts";
import type { BrokenStack } from "./broken-stack.ts";
import type { TestResource } from "./evaluate.ts";

/** One way of breaking a stack. */
export interface Mutation {
  readonly policy: string;
  readonly what: string;
  /** Breaks a stack. Returns the resource that the policy must name. */
  readonly by: fc.Arbitrary<(stack: BrokenStack) => TestResource>;
}

const bucket = "aws:s3/bucket:Bucket";

/** Sets a property of one of some resources to a random bad value. */
export function setting(
  policy: string,
  type: string,
  path: string,
  values: fc.Arbitrary<unknown>,
  wanted?: (resource: TestResource) => boolean,
): Mutation {
  return {
    policy,
    what: `${path} of a ${type.split(":").at(-1) ?? type}`,
    by: fc.tuple(fc.nat(100), values).map(
      ([pick, value]) =>
        (stack) =>
          set(stack.one(type, pick, wanted), path, structuredClone(value)),
    ),
  };
}

/** Changes or removes a resource that configures a bucket. The policy must name the bucket. */
export function configuring(policy: string, kind: string, path: string, values: fc.Arbitrary<unknown>): Mutation[] {
  const type = `aws:s3/bucket${kind}:Bucket${kind}`;
  const picked = (stack: BrokenStack, pick: number): [TestResource, TestResource] => {
    const one = stack.one(type, pick);
    return [one, stack.madeOf(one, "bucket", bucket)];
  };
  return [
    {
      policy,
      what: `no ${kind}`,
      by: fc.nat(100).map((pick) => (stack) => {
        const [one, named] = picked(stack, pick);
        stack.remove(one);
        return named;
      }),
    },
    {
      policy,
      what: `${path} of a ${kind}`,
      by: fc.tuple(fc.nat(100), values).map(([pick, value]) => (stack) => {
        const [one, named] = picked(stack, pick);
        set(one, path, structuredClone(value));
        return named;
      }),
    },
  ];
}

/** Adds a statement to a document. */
export function stating(policy: string, type: string, property: string, statements: fc.Arbitrary<object>): Mutation {
  return {
    policy,
    what: `a statement in ${property} of a ${type.split(":").at(-1) ?? type}`,
    by: fc.tuple(fc.nat(100), statements).map(([pick, statement]) => (stack) => {
      const one = stack.one(type, pick);
      const document = JSON.parse(String(one.props[property])) as { Statement: object[] };
      document.Statement.push(statement);
      return set(one, property, JSON.stringify(document));
    }),
  };
}
