/** Tests that a heap keeps its order under any additions and removals. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { Heap } from "./heap.ts";
import type { HeapNode } from "./heap.ts";

interface Item extends HeapNode {
  readonly value: number;
}

/** Adds a value, removes the first one, or removes the n-th of those that are left. */
const steps = fc.array(
  fc.oneof(
    fc.record({ add: fc.nat(20) }),
    fc.constant({ pop: true as const }),
    fc.record({ remove: fc.nat(1_000) }),
    fc.constant({ clear: true as const }),
  ),
  { maxLength: 120 },
);

describe("Heap", () => {
  it("returns the smallest node first, whichever nodes are removed in between", () => {
    fc.assert(
      fc.property(steps, (actions) => {
        const heap = new Heap<Item>((left, right) => left.value < right.value);
        let expected: Item[] = [];
        for (const action of actions) {
          if ("add" in action) {
            const item: Item = { value: action.add, position: -1 };
            heap.add(item);
            expected.push(item);
          } else if ("pop" in action) {
            const first = heap.pop();
            assert.equal(first?.value, expected.length === 0 ? undefined : Math.min(...expected.map((e) => e.value)));
            expected = expected.filter((item) => item !== first);
            assert.equal(first?.position ?? -1, -1);
          } else if ("remove" in action) {
            const victim = expected[action.remove % Math.max(1, expected.length)];
            if (victim === undefined) continue;
            heap.remove(victim);
            heap.remove(victim);
            expected = expected.filter((item) => item !== victim);
          } else {
            heap.clear();
            assert.ok(expected.every(({ position }) => position === -1));
            expected = [];
          }
          assert.equal(heap.size, expected.length);
        }
        const rest: (number | undefined)[] = [];
        while (heap.size > 0) rest.push(heap.pop()?.value);
        assert.deepEqual(
          rest,
          expected.map(({ value }) => value).sort((left, right) => left - right),
        );
        assert.equal(heap.peek(), undefined);
      }),
    );
  });
});
