import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { changes, reconcile } from "./diff.ts";
import {
  assetField,
  blockField,
  decimalField,
  booleanField,
  jsonField,
  listField,
  mapField,
  numberField,
  policyField,
  setField,
  stringField,
} from "./properties.ts";
import { unknown } from "./values.ts";

const fields = {
  name: stringField({ forceNew: true }),
  size: numberField(),
  loud: booleanField(),
  answer: stringField({ computed: true }),
  policy: policyField(),
  rule: jsonField(),
  bound: decimalField(),
  alias: stringField({ same: (one: string, other: string) => one.split("/").at(-1) === other.split("/").at(-1) }),
  file: assetField(),
  environment: mapField(),
  steps: listField(blockField({ kind: stringField(), made: stringField({ computed: true }) })),
  zones: setField(stringField()),
  fixed: blockField({ inner: blockField({ depth: numberField() }), flat: stringField() }, { forceNew: true }),
};

const found = (before: object, after: object): Record<string, string> =>
  Object.fromEntries(
    changes(fields, { ...before }, { ...after }).map(({ path, kind, replaces }) => [
      path,
      replaces ? `${kind} replaces` : kind,
    ]),
  );

const file = (hash: string) => ({
  "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
  hash,
  path: `/tmp/${hash}`,
});

describe("changes", () => {
  it("finds added, removed and changed properties", () => {
    assert.deepEqual(found({ size: 1 }, { size: 2 }), { size: "update" });
    assert.deepEqual(found({}, { size: 2 }), { size: "add" });
    assert.deepEqual(found({ size: 1 }, {}), { size: "delete" });
  });

  it("replaces for a property that cannot be changed, at any depth", () => {
    assert.deepEqual(found({ name: "a" }, { name: "b" }), { name: "update replaces" });
    assert.deepEqual(found({ fixed: { inner: { depth: 1 } } }, { fixed: { inner: { depth: 2 } } }), {
      "fixed.inner.depth": "update replaces",
    });
    assert.deepEqual(found({ fixed: { flat: "x" } }, {}), { fixed: "delete replaces" });
  });

  it("treats an unknown as a change", () => {
    assert.deepEqual(found({ size: 1, name: "a" }, { size: unknown, name: unknown }), {
      size: "update",
      name: "update replaces",
    });
  });

  it("accepts AWS's value for a property that the program leaves to AWS", () => {
    assert.deepEqual(found({ answer: "AWS's" }, {}), {});
    assert.deepEqual(found({ answer: "AWS's" }, { answer: "mine" }), { answer: "update" });
    assert.deepEqual(found({ steps: [{ kind: "a", made: "AWS's" }] }, { steps: [{ kind: "a" }] }), {});
  });

  it("sees no difference between an empty value and none", () => {
    const empty = { size: 0, loud: false, policy: "", environment: {}, zones: [], fixed: { flat: "" } };
    assert.deepEqual(found(empty, {}), {});
    assert.deepEqual(found({}, empty), {});
  });

  it("compares policies, JSON, numbers as text, and values with the same meaning for AWS, by meaning", () => {
    assert.deepEqual(found({ policy: '{"Action":["a"],"B":1}' }, { policy: '{"B":1,"Action":["a"]}' }), {});
    assert.deepEqual(found({ rule: '{"a":1,"b":2}' }, { rule: '{"b":2,"a":1}' }), {});
    assert.deepEqual(found({ bound: "1" }, { bound: "1.0" }), {});
    assert.deepEqual(found({ bound: "1" }, { bound: "1.5" }), { bound: "update" });
    assert.deepEqual(found({ alias: "arn:key/1" }, { alias: "1" }), {});
    assert.deepEqual(found({ alias: "arn:key/1" }, { alias: "2" }), { alias: "update" });
  });

  it("compares assets by content", () => {
    assert.deepEqual(found({ file: file("a") }, { file: { ...file("a"), path: "/elsewhere" } }), {});
    assert.deepEqual(found({ file: file("a") }, { file: file("b") }), { file: "update" });
  });

  it("names the member of a list or map that changed", () => {
    assert.deepEqual(found({ steps: [{ kind: "a" }, { kind: "b" }] }, { steps: [{ kind: "a" }, { kind: "c" }] }), {
      "steps[1].kind": "update",
    });
    assert.deepEqual(found({ steps: [] }, { steps: [{ kind: "a" }] }), { steps: "update" });
    assert.deepEqual(found({ environment: { A: "1", "b-c": "2" } }, { environment: { A: "2", D: "3" } }), {
      "environment.A": "update",
      "environment.D": "add",
      'environment["b-c"]': "delete",
    });
  });
});

describe("reconcile", () => {
  const read = (name: keyof typeof fields, written: unknown, answered: unknown): unknown =>
    reconcile(fields[name], written, answered);

  it("keeps the program's spelling if AWS's has the same meaning", () => {
    const written = '{"Statement": {"Action": "a"}}';
    assert.equal(read("policy", written, '{"Statement":[{"Action":["a"]}]}'), written);
    assert.deepEqual(read("zones", ["b", "a"], ["a", "b"]), ["b", "a"]);
    assert.equal(read("bound", "1.0", "1"), "1.0");
  });

  it("uses AWS's value if they differ, or if the program has none", () => {
    assert.equal(read("policy", '{"Action":"a"}', '{"Action":"b"}'), '{"Action":"b"}');
    assert.deepEqual(read("zones", ["b", "a"], ["a", "b", "c"]), ["b", "a", "c"]);
    assert.equal(read("answer", undefined, "AWS's"), "AWS's");
    assert.equal(read("size", 1, undefined), undefined);
  });

  it("adds values that AWS has filled in within a block", () => {
    assert.deepEqual(read("steps", [{ kind: "a" }], [{ kind: "a", made: "AWS's" }]), [{ kind: "a", made: "AWS's" }]);
  });
});
