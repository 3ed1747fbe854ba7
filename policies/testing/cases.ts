/** The tests that every policy has: a good case passes, each broken field is refused with a remedy, an unknown value is said to be so. */
import assert from "node:assert/strict";
import type { PackPolicy } from "../pack.ts";
import { type TestResource, reports, unknownString, violations } from "./evaluate.ts";

/** The cases of one policy. */
export interface Cases {
  /** What passes: one resource, or a stack. */
  readonly good: TestResource | readonly TestResource[];
  /** Further resources or stacks that pass, by what they are. */
  readonly passes?: Readonly<Record<string, TestResource | readonly TestResource[]>>;
  /** What is refused, by what is broken, and a part of the remedy. */
  readonly refuses: Readonly<Record<string, readonly [broken: TestResource | readonly TestResource[], remedy: RegExp]>>;
  /** What is not known yet; of a policy that reads no property, that it needs none. */
  readonly unknown: TestResource | readonly TestResource[] | "reads no property";
  /** Config that makes the good case refused. */
  readonly stricter?: object;
  /** @default "mandatory" */
  readonly level?: "mandatory" | "advisory";
}

/** The policies that have tests of their own, each as often as it was declared. */
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

    for (const [what, resource] of Object.entries({ "what is as it should be": good, ...passes })) {
      it(`lets pass ${what}`, async () => {
        assert.deepEqual(await reports([policy], [resource].flat()), []);
      });
    }

    for (const [what, [broken, remedy]] of Object.entries(refuses)) {
      it(`refuses ${what}, and says what to do`, async () => {
        const [message, ...others] = await violations(policy, broken);
        assert.ok(message !== undefined, "nothing is reported");
        assert.deepEqual(others, []);
        assert.match(message, remedy);
      });
    }

    if (unknown === "reads no property") {
      it("tells though no property is known", async () => {
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
      it("says that it cannot tell while a value is unknown", async () => {
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
      it("takes its limits from the config", async () => {
        assert.equal((await violations(policy, good, stricter)).length, 1);
      });
    }
  });
}

/** The same resource with other properties; undefined takes one away. */
export function withProps<Resource extends TestResource>(resource: Resource, props: Record<string, unknown>): Resource {
  return { ...resource, props: { ...resource.props, ...props } };
}
