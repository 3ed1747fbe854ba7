/** Tests that every policy has: a good case passes, each bad value is refused with a remedy, an unknown value is reported as unknown. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { PackPolicy } from "../pack.ts";
import { reports, unknownString, violations } from "./evaluate.ts";
import type { TestResource } from "./evaluate.ts";

/** The cases of one policy. */
export interface Cases {
  /** A case that passes: one resource, or a stack. */
  readonly good: TestResource | readonly TestResource[];
  /** More resources or stacks that pass, by description. */
  readonly passes?: Readonly<Record<string, TestResource | readonly TestResource[]>>;
  /** Cases that are refused, by description, with a part of the remedy. */
  readonly refuses: Readonly<Record<string, readonly [broken: TestResource | readonly TestResource[], remedy: RegExp]>>;
  /** A case with an unknown value; for a policy that reads no property, that fact. */
  readonly unknown: TestResource | readonly TestResource[] | "reads no property";
  /** Config that makes the policy refuse the good case. */
  readonly stricter?: object;
  /** @default "mandatory" */
  readonly level?: "mandatory" | "advisory";
}

/** The policies with tests, each as often as its tests were declared. */
export const tested: PackPolicy[] = [];

/** Declares the tests of a policy. */
export function policyTests(
  policy: PackPolicy,
  { good, passes = {}, refuses, unknown, stricter, level = "mandatory" }: Cases,
): void {
  tested.push(policy);
  describe(policy.name, () => {
    it(`is ${level}`, () => {
      assert.equal(policy.enforcementLevel, level);
    });

    for (const [what, resource] of Object.entries({ "the good case": good, ...passes })) {
      it(`accepts ${what}`, async () => {
        assert.deepEqual(await reports([policy], [resource].flat()), []);
      });
    }

    for (const [what, [broken, remedy]] of Object.entries(refuses)) {
      it(`refuses ${what}, with a remedy`, async () => {
        const [message, ...others] = await violations(policy, broken);
        assert.ok(message !== undefined, "nothing is reported");
        assert.deepEqual(others, []);
        assert.match(message, remedy);
      });
    }

    if (unknown === "reads no property") {
      it("evaluates without known properties", async () => {
        const blank = (resource: TestResource | readonly TestResource[]): TestResource[] =>
          [resource]
            .flat()
            .map((each) =>
              withProps(each, Object.fromEntries(Object.keys(each.props).map((key) => [key, unknownString]))),
            );
        assert.deepEqual(await reports([policy], blank(good)), []);
        for (const [broken] of Object.values(refuses)) {
          assert.equal((await violations(policy, blank(broken))).length, 1);
        }
      });
    } else {
      it("reports that it cannot be evaluated while a value is unknown", async () => {
        const said = await reports([policy], [unknown].flat());
        assert.deepEqual(
          said.map(({ unknown: cannotTell }) => cannotTell),
          [true],
          JSON.stringify(said),
        );
        assert.ok(said[0]?.urn !== undefined);
      });
    }

    if (stricter !== undefined) {
      it("reads its limits from the config", async () => {
        assert.equal((await violations(policy, good, stricter)).length, 1);
      });
    }
  });
}

/** Returns the same resource with other properties; undefined removes one. */
export function withProps<Resource extends TestResource>(resource: Resource, props: Record<string, unknown>): Resource {
  return { ...resource, props: { ...resource.props, ...props } };
}
