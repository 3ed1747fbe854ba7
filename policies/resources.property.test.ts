/** Tests that finding references with the index returns the same as comparing each pair. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import * as framework from "@pulumi/policy";
import fc from "fast-check";
import { References } from "./resources.ts";
import { unknownString } from "./testing/evaluate.ts";
import { ifKnown } from "./unknown.ts";

const unknownCheckingProxy = Reflect.get(framework, "unknownCheckingProxy") as <Props>(props: Props) => Props;

interface Side {
  readonly urn: string;
  readonly props: { readonly value: string | undefined };
  readonly dependencies: [];
  readonly propertyDependencies: Record<string, Side[]>;
}

/** Few values, so that many are equal; some absent, some unknown. */
const value = fc.constantFrom("a", "b", "c", undefined, unknownString);

function side(urn: string, given: string | undefined, madeOf: Side[] = []): Side {
  return {
    urn,
    props: unknownCheckingProxy({ value: given }),
    dependencies: [],
    propertyDependencies: { value: madeOf },
  };
}

const stacks = fc
  .record({
    to: fc.array(value, { maxLength: 5 }),
    from: fc.array(fc.tuple(value, fc.array(fc.nat(4), { maxLength: 2 })), { maxLength: 5 }),
  })
  .map(({ to: names, from: givens }) => {
    const to = names.map((name, index) => side(`to-${index}`, name));
    const from = givens.map(([given, picks], index) =>
      side(
        `from-${index}`,
        given,
        picks.flatMap((pick) => to[pick] ?? []),
      ),
    );
    return { from, to };
  });

/** The rule itself, for one pair. */
function refers(from: Side, to: Side): boolean {
  const equal = (): boolean => from.props.value !== undefined && from.props.value === to.props.value;
  const known = ifKnown(equal);
  if (known !== undefined) return known.value;
  const madeOf = from.propertyDependencies["value"] ?? [];
  return madeOf.length > 0 ? madeOf.some(({ urn }) => urn === to.urn) : equal();
}

function indexOf({ from, to }: { readonly from: Side[]; readonly to: Side[] }): References<Side, Side> {
  return new References({
    from,
    property: "value",
    values: ({ props }) => [props.value],
    to,
    names: [({ props }) => props.value],
  });
}

describe("references between resources", () => {
  it("to a resource equal a comparison of each pair, and are unknown if that is unknown", () => {
    fc.assert(
      fc.property(stacks, (stack) => {
        const index = indexOf(stack);
        for (const to of stack.to) {
          const expected = ifKnown(() => stack.from.filter((from) => refers(from, to)).map(({ urn }) => urn));
          const found = ifKnown(() => index.to(to).map(({ urn }) => urn));
          assert.deepEqual(found && [...found.value].sort(), expected?.value);
        }
      }),
    );
  });

  it("of a resource include a known one, and are unknown only if none is known", () => {
    fc.assert(
      fc.property(stacks, (stack) => {
        const index = indexOf(stack);
        for (const from of stack.from) {
          const pairs = stack.to.map((to) => ({ to, known: ifKnown(() => refers(from, to)) }));
          const named = pairs.filter(({ known }) => known?.value === true).map(({ to }) => to.urn);
          const found = ifKnown(() => index.of(from)?.urn);
          if (found?.value !== undefined) assert.ok(named.includes(found.value));
          else if (found !== undefined) assert.deepEqual(named, []);
          else assert.ok(pairs.some(({ known }) => known === undefined));
        }
      }),
    );
  });
});
