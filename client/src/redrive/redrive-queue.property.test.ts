/** Tests for the redrive of the error queue. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { failureOf } from "../../testing/fake-sqs.ts";
import { startRedriveFixture } from "../../testing/redrive-fixture.ts";

describe("a redrive of the error queue", () => {
  it("loses no job and sends none twice, for any order of messages", async () => {
    await using fixture = await startRedriveFixture();
    const message = fc.oneof(
      fc.record({ job: fc.nat(8), times: fc.nat(4) }).map(({ job, times }) => ({
        of: times === 0 ? `video-${job}` : `video-${job}.redrive-${times}`,
        body: failureOf(times === 0 ? `video-${job}` : `video-${job}.redrive-${times}`),
      })),
      fc
        .constantFrom<object | string>("hello", failureOf("smoke-1"), { eventName: "TestNotification" })
        .map((body) => ({
          of: undefined,
          body,
        })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 25 }), fc.nat(3), async (messages, crashes) => {
        fixture.aws.invocations.length = 0;
        fixture.aws.objects.clear();
        fixture.queues.error.length = 0;
        fixture.queues.deadLetters.length = 0;
        await fixture.renew();
        for (const { body } of messages) fixture.queues.put(body);
        const answer = { status: 403, code: "AccessDenied" };
        for (let crash = 0; crash < crashes; crash++) {
          fixture.aws.fail({ operation: crash % 2 === 0 ? "DeleteMessageBatch" : "SendMessage", answer });
          await fixture.run().catch(() => undefined);
          await fixture.reopen();
        }
        fixture.aws.answerAgain();
        await fixture.run();
        await fixture.reopen();
        await fixture.run();
        assert.equal(new Set(fixture.sent).size, fixture.sent.length, "a job was sent twice");
        const deadLetters = fixture.queues.deadLetters.map(({ body }) => body);
        for (const { of } of messages) {
          if (of === undefined) continue;
          const isSent = fixture.aws.invocations.some(({ inferenceId }) => nextOf(of) === inferenceId);
          assert.ok(isSent || deadLetters.some((body) => body.includes(`"${of}"`)), `${of} is lost`);
        }
        assert.ok(!fixture.sent.some((name) => name.startsWith("smoke-")));
      }),
      { numRuns: 25 },
    );
  }).timeout(60_000);
});

function nextOf(inferenceId: string): string {
  const [, first = inferenceId, times = "0"] = /^(.+)\.redrive-(\d+)$/.exec(inferenceId) ?? [];
  return `${first}.redrive-${Number(times) + 1}`;
}
