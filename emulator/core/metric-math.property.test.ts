/** Tests rules that hold for every expression of metric math and all series. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Series } from "./metric-math-evaluation.ts";
import { evaluated as evaluatedOver } from "./metric-math-harness.ts";

const value = fc.integer({ min: -3, max: 3 });
const point = fc.option(value, { nil: undefined, freq: 3 });
const length = 6;
const series = fc.array(point, { minLength: length, maxLength: length });
const inputs = fc.record({ a: series, b: series });

const operators = ["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "AND", "OR"] as const;

type Tree =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "reference"; readonly id: string }
  | { readonly kind: "negation"; readonly operand: Tree }
  | {
      readonly kind: "binary";
      readonly operator: (typeof operators)[number];
      readonly left: Tree;
      readonly right: Tree;
    };

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom("a", "b").map((id): Tree => ({ kind: "reference", id })),
    fc.nat(3).map((number): Tree => ({ kind: "number", value: number })),
    tie("tree").map((operand): Tree => ({ kind: "negation", operand })),
    {
      weight: 6,
      arbitrary: fc
        .record({ operator: fc.constantFrom(...operators), left: tie("tree"), right: tie("tree") })
        .map((parts): Tree => ({ kind: "binary", ...parts })),
    },
  ),
}));

/** Expressions that yield a series. */
const expression = tree.map((right): Tree => {
  return { kind: "binary", operator: "+", left: { kind: "reference", id: "a" }, right };
});

/** Precedence of each operator; a comparison's operands are never comparisons without parentheses. */
const tightness: Readonly<Record<(typeof operators)[number], number>> = {
  ...{ OR: 1, AND: 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3 },
  ...{ "+": 4, "-": 4, "*": 5, "/": 5 },
};
const signTightness = 6;

/** Formats an expression with the minimum of parentheses that the order of precedence needs. */
function written(tree: Tree, least = 0): string {
  switch (tree.kind) {
    case "number":
      return String(tree.value);
    case "reference":
      return tree.id;
    case "negation":
      return `-${written(tree.operand, signTightness)}`;
    case "binary": {
      const own = tightness[tree.operator];
      const left = written(tree.left, own === tightness["<"] ? own + 1 : own);
      const text = `${left} ${tree.operator} ${written(tree.right, own + 1)}`;
      return own < least ? `(${text})` : text;
    }
  }
}

/** Formats an expression with parentheses around each operation, so that no order of precedence applies. */
function parenthesized(tree: Tree): string {
  switch (tree.kind) {
    case "negation":
      return `(-${parenthesized(tree.operand)})`;
    case "binary":
      return `(${parenthesized(tree.left)} ${tree.operator} ${parenthesized(tree.right)})`;
    default:
      return written(tree);
  }
}

function evaluated(text: string, given: Readonly<Record<string, Series>>): Series {
  return evaluatedOver(text, given, length);
}

describe("every expression of metric math", () => {
  it("is parsed by the order of precedence", () => {
    fc.assert(
      fc.property(expression, inputs, (tree, given) => {
        assert.deepEqual(evaluated(written(tree), given), evaluated(parenthesized(tree), given));
      }),
      { numRuns: 1_000 },
    );
  });

  it("means the same with and without spaces", () => {
    fc.assert(
      fc.property(expression, inputs, (tree, given) => {
        const text = written(tree);
        const packed = text.replaceAll(/ ([-+*/<>=!]+) /g, "$1");
        assert.deepEqual(evaluated(packed, given), evaluated(text, given));
      }),
    );
  });

  it("has a value only in periods in which one of its series has one", () => {
    fc.assert(
      fc.property(expression, inputs, (tree, given) => {
        for (const [index, result] of evaluated(written(tree), given).entries()) {
          if (given.a[index] === undefined && given.b[index] === undefined) assert.equal(result, undefined);
          else if (result !== undefined) assert.ok(Number.isFinite(result));
        }
      }),
    );
  });
});

describe("each period of metric math", () => {
  it("adds with missing values as 0, and drops quotients of zero", () => {
    fc.assert(
      fc.property(inputs, (given) => {
        const [sums, quotients] = [evaluated("a + b", given), evaluated("a / b", given)];
        for (let index = 0; index < length; index += 1) {
          const [a, b] = [given.a[index], given.b[index]];
          const isAbsent = a === undefined && b === undefined;
          assert.equal(sums[index], isAbsent ? undefined : (a ?? 0) + (b ?? 0));
          const divisor = b ?? 0;
          assert.equal(quotients[index], isAbsent || divisor === 0 ? undefined : (a ?? 0) / divisor);
        }
      }),
    );
  });

  it("is filled by FILL if and only if it is missing", () => {
    fc.assert(
      fc.property(inputs, fc.nat(9), (given, filler) => {
        const filled = evaluated(`FILL(a, ${filler})`, given);
        assert.deepEqual(
          filled,
          given.a.map((one) => one ?? filler),
        );
      }),
    );
  });

  it("is chosen by IF: the first value or 0 if the condition is not 0, else the second one or none", () => {
    fc.assert(
      fc.property(inputs, series, (given, condition) => {
        const chosen = evaluated("IF(c, a, b)", { ...given, c: condition });
        const filtered = evaluated("IF(c, a)", { ...given, c: condition });
        for (const [index, decisive] of condition.entries()) {
          if (decisive === undefined) assert.equal(chosen[index], undefined);
          else if (decisive === 0) assert.equal(chosen[index], given.b[index]);
          else assert.equal(chosen[index], given.a[index] ?? 0);
          const isTrue = decisive !== undefined && decisive !== 0;
          assert.equal(filtered[index], isTrue ? chosen[index] : undefined);
        }
      }),
    );
  });

  it("does not depend on the others", () => {
    fc.assert(
      fc.property(expression, inputs, fc.nat(length - 1), (tree, given, index) => {
        const only = { a: [given.a[index]], b: [given.b[index]] };
        const [result] = evaluatedOver(written(tree), only, 1);
        assert.equal(evaluated(written(tree), given)[index], result);
      }),
    );
  });
});
