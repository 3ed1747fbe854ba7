import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "mocha";
import { confirmPrice } from "./confirm.ts";
import { Progress } from "../../lib/progress.ts";
import type { StackOutputs } from "../src/outputs.ts";
import { connect } from "../src/stack.ts";
import { outputsAt } from "../testing/outputs-at.ts";

describe("the question before a command spends money", () => {
  const emulator = outputsAt("http://127.0.0.1:1");
  const aws: StackOutputs = { ...emulator, awsEndpointUrl: undefined };

  /** Asks about jobs of 900 s; `typed` is the input of the terminal, or undefined if there is none. */
  async function ask(jobs: number, typed: string | undefined, { outputs = aws, isAgreed = false } = {}) {
    using stack = connect(outputs);
    let written = "";
    using live = new Progress({ write: (text) => (written += text) });
    const stdin = Object.assign(new PassThrough(), typed === undefined ? {} : { isTTY: true });
    stdin.end(typed);
    const context = { stack, live, stdin, signal: new AbortController().signal };
    const isConfirmed = await confirmPrice({ jobs, timeoutSeconds: 900 }, isAgreed, context);
    return { isConfirmed, written };
  }

  for (const [typed, expected] of [
    ["y\n", true],
    ["YES\n", true],
    ["n\n", false],
    ["\n", false],
    ["", false],
  ] as const) {
    it(`is answered ${expected ? "yes" : "no"} by ${JSON.stringify(typed)}`, async () => {
      const { isConfirmed, written } = await ask(1000, typed);
      assert.equal(isConfirmed, expected);
      assert.match(written, /price: at most 96 USD.*\nStart\?/);
    });
  }

  it("is not asked for up to 1 USD, on the emulator, or after --yes", async () => {
    for (const asked of [
      ask(1, undefined),
      ask(1000, undefined, { outputs: emulator }),
      ask(1000, undefined, { isAgreed: true }),
    ]) {
      const { isConfirmed, written } = await asked;
      assert.equal(isConfirmed, true);
      assert.doesNotMatch(written, /Start\?/);
    }
  });

  it("is an error without a terminal, also if the price is unknown", async () => {
    await assert.rejects(ask(1000, undefined), { name: "UsageError", message: /above 1 USD.*add --yes/ });
    const outputs = { ...aws, instanceType: "ml.g9.huge" };
    await assert.rejects(ask(1, undefined, { outputs }), { name: "UsageError", message: /the price is unknown/ });
  });
});
