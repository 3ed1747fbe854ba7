/** Tests that an update of a stack that an earlier version deployed replaces and deletes no resource because of its name or type. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { bootstrap } from "./bootstrap/testing/registered.ts";
import earlierState from "./testing/earlier-state.json" with { type: "json" };
import { registrationsOf } from "./testing/registrations.ts";
import type { Registrations } from "./testing/registrations.ts";
import { stackConfig } from "./testing/stacks.ts";
import { aliasesOf, urnsOf } from "./testing/urns.ts";

/**
 * Returns the resources of an earlier state that the program registers neither under their URN nor under an alias. The engine
 * deletes these, and creates a resource with the same purpose again.
 */
function dropped(earlier: readonly string[], registrations: Registrations): string[] {
  const found = new Set([...urnsOf(registrations), ...aliasesOf(registrations)]);
  return earlier.filter((urn) => !found.has(urn));
}

describe("an update of a stack that an earlier version deployed", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "state-"));
  });

  after(() => rm(folder, { recursive: true }));

  it("keeps every resource of the stack dev, with all optional ones", async () => {
    const artifact = join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
    const program = "./index.ts?earlier-state";
    const { registrations } = await registrationsOf(() => import(program), {
      stack: "dev",
      config: {
        ...stackConfig("dev", artifact),
        "async-video-inference:callerAccountId": "210987654321",
        "async-video-inference:operationsEmails": '["ops@example.com"]',
        "async-video-inference:completionEmails": '["team@example.com"]',
      },
    });
    assert.deepEqual(dropped(earlierState.dev, registrations), []);
  });

  it("keeps every resource of the bootstrap", async () => {
    const { registrations } = await bootstrap();
    assert.deepEqual(dropped(earlierState.bootstrap, registrations), []);
  });
});
