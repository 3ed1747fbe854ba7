/** Tests that values survive the conversion to the wire and back, in each document format. */

import assert from "node:assert/strict";
import { cbor } from "@smithy/core/cbor";
import { describe, it } from "mocha";
import fc from "fast-check";
import { ApiModel } from "./model.ts";
import { AwsError } from "./service.ts";
import { cborFormat, decode, encode, jsonFormat, parseCbor, parseJson } from "./values.ts";

const model = new ApiModel("test", {
  metadata: { protocols: ["json"], endpointPrefix: "test" },
  operations: {},
  shapes: {
    Thing: {
      type: "structure",
      members: {
        Text: { shape: "Text" },
        Whole: { shape: "Whole" },
        Number: { shape: "Number" },
        Flag: { shape: "Flag" },
        Moment: { shape: "Moment" },
        Bytes: { shape: "Bytes" },
        List: { shape: "List" },
        Map: { shape: "Map" },
        Inner: { shape: "Thing" },
      },
    },
    Text: { type: "string" },
    Whole: { type: "integer" },
    Number: { type: "double" },
    Flag: { type: "boolean" },
    Moment: { type: "timestamp" },
    Bytes: { type: "blob" },
    List: { type: "list", member: { shape: "Text" } },
    Map: { type: "map", key: { shape: "Text" }, value: { shape: "Whole" } },
  },
});

// Whole seconds and halves: a double of epoch seconds represents them exactly.
const moment = fc.integer({ min: 0, max: 8_000_000_000 }).map((halves) => new Date(halves * 500));
const thing = fc.letrec((tie) => ({
  thing: fc.record(
    {
      Text: fc.string({ unit: "grapheme" }),
      Whole: fc.maxSafeInteger(),
      Number: fc.double({ noNaN: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
      Flag: fc.boolean(),
      Moment: moment,
      Bytes: fc.uint8Array(),
      List: fc.array(fc.string()),
      // The AWS SDK's CBOR reader, which the gateway shares with its clients, drops a key of this name.
      Map: fc.dictionary(
        fc.string().filter((key) => key !== "__proto__"),
        fc.integer(),
      ),
      Inner: tie("thing"),
    },
    { requiredKeys: [] },
  ),
})).thing;

function normal(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normal(item)]));
  }
  return value;
}

describe("A value on the wire", () => {
  it("is the same after JSON", () => {
    fc.assert(
      fc.property(thing, (value) => {
        const text = Buffer.from(JSON.stringify(encode(model, "Thing", value, jsonFormat)));
        assert.deepEqual(normal(decode(model, "Thing", parseJson(text), jsonFormat)), normal(value));
      }),
    );
  });

  it("is the same after CBOR", () => {
    fc.assert(
      fc.property(thing, (value) => {
        const bytes = cbor.serialize(encode(model, "Thing", value, cborFormat));
        assert.deepEqual(normal(decode(model, "Thing", parseCbor(bytes), cborFormat)), normal(value));
      }),
    );
  });

  it("has neither nulls nor members that are not in the model", () => {
    assert.deepEqual(decode(model, "Thing", { Text: "a", Other: 1, Flag: null }, jsonFormat), { Text: "a" });
    assert.deepEqual(encode(model, "Thing", { Text: "a", Other: 1 }, jsonFormat), { Text: "a" });
  });

  const wrong: [string, object, string][] = [
    ["text for a number", { Whole: "1" }, "STRING_VALUE can not be converted to Integer"],
    ["a fraction for an integer", { Whole: 1.5 }, "NUMBER_VALUE can not be converted to Integer"],
    ["a number for text", { Text: 1 }, "NUMBER_VALUE can not be converted to String"],
    ["true for text", { Text: true }, "TRUE_VALUE can not be converted to String"],
    ["a list for a structure", { Inner: [] }, "Start of list found where not expected."],
    ["a structure for text", { Text: {} }, "Start of structure or map found where not expected."],
    ["no moment for a timestamp", { Moment: "soon" }, "STRING_VALUE can not be converted to Timestamp"],
  ];
  for (const [what, document, message] of wrong) {
    it(`of the wrong type is refused: ${what}`, () => {
      assert.throws(
        () => decode(model, "Thing", document, jsonFormat),
        (error: unknown) =>
          error instanceof AwsError && error.code === "SerializationException" && error.message === message,
      );
    });
  }

  it("that is not a document is refused", () => {
    for (const parse of [parseJson, parseCbor]) {
      assert.throws(() => parse(Buffer.from([0x7b, 0xff])), { code: "SerializationException" });
    }
  });
});
