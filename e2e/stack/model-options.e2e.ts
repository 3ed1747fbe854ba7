/** Compares the client's options with those that the handler accepts, and reads the handler's results with the client. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { before, describe, it } from "mocha";
import { modelCommand } from "../../client/cli/commands/model-options.ts";
import {
  acceptOf,
  customAttributesOf,
  encodings,
  resultFormats,
  samplings,
  withTimeout,
} from "../../client/src/model-options.ts";
import type { ModelOptions } from "../../client/src/model-options.ts";
import { textOf } from "../../client/src/result-body.ts";
import { parseResult } from "../../client/src/result.ts";
import { currentResult } from "../../client/testing/sample-result.ts";

/** Output of `model/testing/handler_grammar.py`. */
interface HandlerGrammar {
  readonly names: readonly string[];
  readonly samplings: readonly string[];
  readonly masks: readonly string[];
  readonly encodings: readonly string[];
  readonly mediaTypes: readonly string[];
  /** For each candidate, whether the handler accepts it. */
  readonly taken: readonly boolean[];
  /** The result in each form, in base64. */
  readonly bodies: readonly string[];
}

/** For each numeric option: values around its limits, and the function of the library that writes it. */
const numbers: readonly (readonly [
  name: string,
  values: readonly number[],
  write: (value: number) => string | undefined,
])[] = [
  [
    "fps",
    [-1, 0, 1e-30, 1e-7, 0.1 + 0.2, 1 / 3, 29.97, 1000, 1000.001, 1e21, NaN],
    (fps) => customAttributesOf({ fps }),
  ],
  ["score", [-0.1, 0, 1e-9, 0.5, 1, 1.0001, NaN], (score) => customAttributesOf({ score })],
  ["max_side", [0, 63, 64, 64.5, 8192, 8193, NaN], (maxSide) => customAttributesOf({ maxSide })],
  ["timeout", [0, 0.5, 1, 3600, 3601, NaN], (timeout) => withTimeout(undefined, timeout)],
];

/** A value for every option of the library. */
const allOptions: Required<ModelOptions> = {
  fps: 2,
  score: 0.5,
  sampling: "keyframe",
  masks: true,
  maxSide: 1333,
  encoding: "gzip",
};

/** Returns the text that `write` returns; undefined if it throws. */
function written(write: () => string | undefined): string | undefined {
  try {
    return write();
  } catch {
    return undefined;
  }
}

describe("the client's options and the handler's", () => {
  const candidates = numbers.flatMap(([name, values, write]) =>
    values.map((value) => ({ name, value, attributes: written(() => write(value)) })),
  );
  let handler: HandlerGrammar;

  before(() => {
    const root = join(import.meta.dirname, "..", "..");
    const program = join(root, "model", "testing", "handler_grammar.py");
    const input = {
      // Pass a value that the client refuses to the handler as `name=value`.
      candidates: candidates.map(({ name, value, attributes }) => attributes ?? `${name}=${value}`),
      result: currentResult,
    };
    const printed = execFileSync(process.execPath, [join(root, "tools", "python.mjs"), program], {
      env: { ...process.env, PYTHONPATH: join(root, "model") },
      input: JSON.stringify(input),
      encoding: "utf8",
      timeout: 120_000,
    });
    handler = JSON.parse(printed) as HandlerGrammar;
  });

  it("have the same names", () => {
    const names = withTimeout(customAttributesOf(allOptions), 60)
      .split(";")
      .map((part) => part.split("=")[0]);
    assert.deepEqual(names.toSorted(), [...handler.names].sort());
  });

  it("have the same choices", () => {
    assert.deepEqual([...samplings].sort(), [...handler.samplings].sort());
    assert.deepEqual([...encodings].sort(), [...handler.encodings].sort());
    // The client writes only the choice that is not the default.
    assert.deepEqual([...handler.masks].sort(), ["none", "rle"]);
    assert.equal(customAttributesOf({ masks: true }), "masks=rle");
  });

  it("have the same ranges", () => {
    const client = candidates.map(({ name, value, attributes }) => [name, value, attributes !== undefined]);
    assert.deepEqual(
      client,
      candidates.map(({ name, value }, index) => [name, value, handler.taken[index]]),
    );
  });

  it("cover every media type of a result", () => {
    // The third media type is the compressed document, which the option `encoding` requests.
    const mediaTypes = [...resultFormats.map((format) => acceptOf(format)), "application/gzip"];
    assert.deepEqual(mediaTypes.sort(), [...handler.mediaTypes].sort());
  });

  it("are all available on the command line", () => {
    const command = modelCommand("submit", "sends videos").action(() => undefined);
    const numbers = ["--fps", "2", "--score", "0.5", "--max-side", "1333"];
    const choices = ["--sampling", "keyframe", "--masks", "--encoding", "gzip", "--format", "ndjson"];
    const flags = command.parse([...numbers, ...choices], { from: "user" }).opts();
    assert.equal(customAttributesOf(flags), customAttributesOf(allOptions));
    assert.equal(flags.format, "ndjson");
  });

  it("give the same result in every format and encoding", async () => {
    assert.equal(handler.bodies.length, resultFormats.length * encodings.length);
    for (const body of handler.bodies) {
      assert.deepEqual(
        parseResult(await textOf(Buffer.from(body, "base64"), "s3://out/a"), "s3://out/a"),
        currentResult,
      );
    }
  });
});
