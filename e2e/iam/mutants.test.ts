/** Tests the changes of policies that `check:iam` makes. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { boundaryMutants, narrowingMutants, wideningMutants } from "./mutants.ts";
import { everything } from "./account-policies.ts";
import type { Document, Statement } from "./account-policies.ts";

const document = (...Statement: Statement[]): Document => ({ Version: "2012-10-17", Statement });
const read: Statement = { Sid: "Read", Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::one/*" };
const removed = (mutants: readonly { removed: string }[]) => mutants.map((mutant) => mutant.removed);

describe("narrowing mutants", () => {
  it("remove each Allow statement", () => {
    const [mutant, ...others] = narrowingMutants("p", document(read));
    assert.deepEqual(mutant?.mutant, { document: "p", statement: 0, replacement: null, narrows: true });
    assert.deepEqual([mutant.sid, others], ["Read", []]);
  });

  it("remove each action of several, and keep the others", () => {
    const several = { ...read, Action: ["s3:GetObject", "s3:PutObject"] };
    const mutants = narrowingMutants("p", document(several));
    assert.deepEqual(removed(mutants), ["statement", "action s3:GetObject", "action s3:PutObject"]);
    const { mutant } = mutants[1]!;
    assert.deepEqual("replacement" in mutant && mutant.replacement, { ...several, Action: ["s3:PutObject"] });
  });

  it("remove each resource of several", () => {
    const mutants = narrowingMutants("p", document({ ...read, Resource: ["a", "b"] }));
    assert.deepEqual(removed(mutants), ["statement", "resource a", "resource b"]);
  });

  it("keep Deny statements", () => {
    assert.deepEqual(narrowingMutants("p", document({ ...read, Effect: "Deny" })), []);
  });

  it("name a statement without a Sid by its number", () => {
    const unnamed: Statement = { Effect: "Allow", Action: "s3:PutObject", Resource: "*" };
    assert.equal(narrowingMutants("p", document(read, unnamed))[1]?.sid, "statement 2");
  });
});

describe("widening mutants", () => {
  it("remove a condition", () => {
    const Condition = { StringEquals: { "aws:SourceAccount": "1" } };
    const [mutant] = wideningMutants("p", document({ ...read, Resource: "*", Condition }), false);
    assert.deepEqual(mutant?.mutant, {
      document: "p",
      statement: 0,
      replacement: { ...read, Resource: "*" },
      narrows: false,
    });
  });

  it("remove each key of a condition with several", () => {
    const Condition = {
      StringEquals: { "aws:SourceAccount": "1", "kms:ViaService": "s3" },
      Null: { "aws:SourceArn": "true" },
    };
    const mutants = wideningMutants("p", document({ ...read, Resource: "*", Condition }), false);
    const conditions = mutants.map(({ mutant }) => "replacement" in mutant && mutant.replacement?.Condition);
    assert.deepEqual(conditions, [
      undefined,
      { StringEquals: { "kms:ViaService": "s3" }, Null: { "aws:SourceArn": "true" } },
      { StringEquals: { "aws:SourceAccount": "1" }, Null: { "aws:SourceArn": "true" } },
      { StringEquals: { "aws:SourceAccount": "1", "kms:ViaService": "s3" } },
    ]);
    assert.equal(removed(mutants)[1], "condition StringEquals aws:SourceAccount");
  });

  it('replace each resource by "*"', () => {
    const mutants = wideningMutants("p", document({ ...read, Resource: ["a", "b", "*"] }), false);
    const replacements = mutants.map(({ mutant }) => "replacement" in mutant && mutant.replacement?.Resource);
    assert.deepEqual(replacements, [
      ["*", "b", "*"],
      ["a", "*", "*"],
    ]);
  });

  it("keep the resources of a resource's own policy", () => {
    assert.deepEqual(wideningMutants("p", document(read), true), []);
  });

  it("remove a Deny", () => {
    assert.deepEqual(removed(wideningMutants("p", document({ ...read, Effect: "Deny" }), true)), ["statement"]);
  });

  it("remove the boundary of a role whose policy allows everything", () => {
    const account = { documents: {}, attached: {}, trust: {} };
    const roles = {
      wide: { policies: [everything], boundary: "b" },
      narrow: { policies: ["p"], boundary: "b" },
      free: { policies: [everything] },
    };
    assert.deepEqual(
      boundaryMutants({ ...account, roles }).map(({ mutant }) => mutant),
      [{ role: "wide", narrows: false }],
    );
  });
});
