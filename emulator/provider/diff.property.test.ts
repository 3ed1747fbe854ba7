import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { changes } from "./diff.ts";
import { blockField, listField, setField, stringField } from "./properties.ts";

const fields = {
  steps: listField(blockField({ kind: stringField() })),
  zones: setField(stringField()),
};

const found = (before: object, after: object): Record<string, string> =>
  Object.fromEntries(
    changes(fields, { ...before }, { ...after }).map(({ path, kind, replaces }) => [
      path,
      replaces ? `${kind} replaces` : kind,
    ]),
  );

describe("changes", () => {
  it("respects the order of a list, not that of a set", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2 }), (items) => {
        const turned = [...items].reverse();
        assert.deepEqual(found({ zones: items }, { zones: turned }), {});
        const steps = (kinds: string[]) => kinds.map((kind) => ({ kind }));
        assert.notDeepEqual(found({ steps: steps(items) }, { steps: steps(turned) }), {});
      }),
    );
    assert.deepEqual(found({ zones: ["a", "a", "b"] }, { zones: ["a", "b", "b"] }), { zones: "update" });
  });
});
