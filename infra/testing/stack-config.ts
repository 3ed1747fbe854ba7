/** Stack configs for tests: a valid one, with some settings changed. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "mocha";
import { ConfigError, parseConfig } from "../config.ts";
import type { StackConfig } from "../config.ts";

/** Namespace of the program's settings. */
export const namespace = "async-video-inference";

/** Creates a project folder with an artifact, until the tests of the current suite end. */
export function stackConfigs() {
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
      const [headline = "", ...lines] = error.message.split("\n");
      assert.match(
        headline,
        new RegExp(`^The config of stack prod has ${lines.length === 1 ? "a problem" : `${lines.length} problems`}:$`),
      );
      return lines;
    }
    return [];
  }

  return { projectRoot, parse, problems };
}
