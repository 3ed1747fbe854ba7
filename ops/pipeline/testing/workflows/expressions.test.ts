import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { evaluate, holds, interpolate, interpolateAll } from "./expressions.ts";
import type { Scope } from "./expressions.ts";

const scope: Scope = {
  contexts: {
    github: {
      event: { action: "labeled", pull_request: { number: 7, labels: [{ name: "gpu" }, { name: "deploy" }] } },
      ref: "refs/heads/main",
    },
    vars: { DEV_BACKEND_URL: "s3://state/dev" },
    needs: { check: { result: "failure" } },
    matrix: { stack: "dev" },
  },
  status: "success",
};

describe("expressions of workflows", () => {
  it("find names in lists, and read an unknown name as empty", () => {
    assert.equal(evaluate("contains(github.event.pull_request.labels.*.name, 'deploy')", scope), true);
    assert.equal(evaluate("contains(github.event.pull_request.labels.*.name, 'other')", scope), false);
    assert.equal(evaluate("vars.PROD_BACKEND_URL != ''", scope), false);
  });

  it("select with && and ||", () => {
    assert.equal(evaluate("github.ref == 'refs/heads/main' && 'yes' || 'no'", scope), "yes");
    assert.equal(evaluate("github.ref == 'refs/heads/other' && 'yes' || 'no'", scope), "no");
  });

  it("keep the type of a value that is the whole text, and become text in others", () => {
    assert.equal(interpolate("${{ github.event.pull_request.number }}", scope), 7);
    assert.equal(interpolate("pr-${{ github.event.pull_request.number }}-${{ matrix.stack }}", scope), "pr-7-dev");
    assert.equal(interpolate("${{ matrix.stack }}${{ matrix.stack }}", scope), "devdev");
    assert.deepEqual(interpolateAll({ a: ["${{ matrix.stack }}", 1], b: null }, scope), { a: ["dev", 1], b: null });
  });

  it("require success if a condition names no status", () => {
    const failed: Scope = { ...scope, status: "failure" };
    assert.equal(holds(undefined, scope), true);
    assert.equal(holds(undefined, failed), false);
    assert.equal(holds("matrix.stack == 'dev'", failed), false);
    assert.equal(holds("failure() && matrix.stack == 'dev'", failed), true);
    assert.equal(holds("${{ !cancelled() && needs.check.result != 'skipped' }}", failed), true);
    assert.equal(holds("${{ !cancelled() }}", { ...scope, status: "cancelled" }), false);
  });

  it("have functions and contexts only in GitHub's places", () => {
    assert.throws(() => evaluate("secrets.TOKEN", scope), /secrets/);
    assert.throws(() => evaluate("hashFiles('a')", scope), /hashFiles/i);
    assert.throws(() => evaluate("github.ref ==", scope));
    const hashFiles = (...patterns: string[]) => patterns.join("+");
    assert.equal(evaluate("hashFiles('a', 'b')", { ...scope, hashFiles }), "a+b");
  });
});
