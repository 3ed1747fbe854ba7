/** Tests the validation of a stack's config and its messages. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "mocha";
import fc from "fast-check";
import { ConfigError, parseConfig } from "./config.ts";
import type { StackConfig } from "./config.ts";

const namespace = "async-video-inference";

describe("a stack's config", () => {
  const projectRoot = mkdtempSync(join(tmpdir(), "config-"));
  writeFileSync(join(projectRoot, "model.tar.gz"), "");
  after(() => {
    rmSync(projectRoot, { recursive: true });
  });

  /** Returns a valid config with some settings changed; undefined removes one. */
  function parse(
    changes: Record<string, string | undefined> = {},
    others: Record<string, string> = {},
    stack = "prod",
  ): StackConfig {
    const settings: Record<string, string | undefined> = { modelArtifact: "model.tar.gz", ...changes };
    const own = Object.entries(settings).flatMap(([key, value]) =>
      value === undefined ? [] : [[`${namespace}:${key}`, value] as const],
    );
    return parseConfig({ ...Object.fromEntries(own), ...others }, { namespace, stack, projectRoot });
  }

  /** Returns the listed problems, one line each. */
  function problems(changes: Record<string, string | undefined>): string[] {
    try {
      parse(changes);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      const [headline, ...lines] = error.message.split("\n");
      assert.match(
        headline!,
        new RegExp(`^The config of stack prod has ${lines.length === 1 ? "a problem" : `${lines.length} problems`}:$`),
      );
      return lines;
    }
    return [];
  }

  it("names every invalid setting and no valid one, for any values", () => {
    const integer = fc.integer({ min: -10, max: 1100 });
    fc.assert(
      fc.property(integer, integer, integer, (minCapacity, maxCapacity, maxConcurrency) => {
        const listed = problems({
          minCapacity: String(minCapacity),
          maxCapacity: String(maxCapacity),
          maxConcurrency: String(maxConcurrency),
        });
        const said = (setting: string) => listed.some((line) => line.includes(`:${setting} is`));
        const minOk = minCapacity >= 0 && minCapacity <= 1000;
        const maxOk = maxCapacity >= 1 && maxCapacity <= 1000;
        assert.equal(said("maxCapacity"), !maxOk);
        assert.equal(said("minCapacity"), !minOk || (maxOk && minCapacity > maxCapacity));
        assert.equal(said("maxConcurrency"), maxConcurrency < 1 || maxConcurrency > 1000);
      }),
    );
  });
});
