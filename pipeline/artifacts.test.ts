/** Tests which artifacts `pipeline artifacts` deletes. */
import assert from "node:assert/strict";
import { obsoleteArtifacts, type Artifact } from "./artifacts.ts";

const day = 24 * 3600 * 1000;
const now = Date.parse("2026-06-01T00:00:00Z");

/** Artifacts named by their age in days. */
function aged(...ages: number[]): Artifact[] {
  return ages.map((age) => ({ url: `s3://b/models/${age}`, uploadedAt: now - age * day }));
}

const deleted = (artifacts: readonly Artifact[], used: readonly string[] = []): string[] =>
  obsoleteArtifacts(artifacts, new Set(used), 30, now).map(({ url }) => url);

describe("an artifact is deleted", () => {
  it("once it is older than the retention", () => {
    assert.deepEqual(deleted(aged(1, 2, 29, 31, 90)), ["s3://b/models/90", "s3://b/models/31"]);
  });

  it("but not while a model uses it, however old it is", () => {
    assert.deepEqual(deleted(aged(1, 2, 40, 90), ["s3://b/models/90"]), ["s3://b/models/40"]);
  });

  it("but not if it is one of the newest two, however old they are", () => {
    assert.deepEqual(deleted(aged(100, 200)), []);
    assert.deepEqual(deleted(aged(300, 100, 200)), ["s3://b/models/300"]);
  });
});
