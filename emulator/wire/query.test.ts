/** Tests that the query protocol reads and writes every kind of shape. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ApiModel } from "./model.ts";
import { queryProtocol } from "./query.ts";

const operation = {
  name: "Put",
  http: { method: "POST", requestUri: "/" },
  input: { shape: "Thing" },
  output: { shape: "Thing" },
};
const model = new ApiModel("test", {
  metadata: { protocols: ["query"], endpointPrefix: "test", xmlNamespace: "http://test/" },
  operations: { Put: operation },
  shapes: {
    Thing: {
      type: "structure",
      members: {
        Text: { shape: "Text" },
        Whole: { shape: "Whole" },
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
    Flag: { type: "boolean" },
    Moment: { type: "timestamp" },
    Bytes: { type: "blob" },
    List: { type: "list", member: { shape: "Text" } },
    Map: { type: "map", key: { shape: "Text" }, value: { shape: "Whole" } },
  },
});
const protocol = queryProtocol(model);

function read(fields: Record<string, string>): Record<string, unknown> {
  const body = Buffer.from(new URLSearchParams({ Action: "Put", ...fields }).toString());
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return protocol.read(operation, { method: "POST", url: new URL("http://127.0.0.1/"), headers, body });
}

describe("The query protocol", () => {
  it("reads every kind of shape, lists in the order of their numbers", () => {
    const input = read({
      Text: "a",
      Whole: "7",
      Flag: "true",
      Moment: "2026-01-02T03:04:05Z",
      Bytes: "AQI=",
      "List.member.10": "c",
      "List.member.9": "b",
      "Map.entry.1.key": "one",
      "Map.entry.1.value": "1",
      "Map.entry.2.key": "two",
      "Map.entry.2.value": "2",
      "Inner.Text": "b",
      "Unknown.Text": "c",
    });
    assert.deepEqual(input, {
      Text: "a",
      Whole: 7,
      Flag: true,
      Moment: new Date("2026-01-02T03:04:05Z"),
      Bytes: Buffer.from([1, 2]),
      List: ["b", "c"],
      Map: { one: 1, two: 2 },
      Inner: { Text: "b" },
    });
  });

  it("reads a list, a map and a structure of an empty field as empty", () => {
    assert.deepEqual(read({ List: "", Map: "", Inner: "" }), { List: [], Map: {}, Inner: {} });
  });

  it("takes the names of an object's own properties as unknown names", () => {
    assert.deepEqual(
      read({ "__proto__.polluted": "x", "constructor.prototype.polluted": "x", "Inner.__proto__": "x" }),
      {
        Inner: {},
      },
    );
    assert.equal(Reflect.get({}, "polluted"), undefined);
  });

  for (const [field, text] of [
    ["Whole", "1.5"],
    ["Whole", ""],
    ["Flag", "yes"],
    ["Moment", "soon"],
  ] as const) {
    it(`refuses "${text}" for ${field}`, () => {
      assert.throws(() => read({ [field]: text }), { code: "MalformedInput" });
    });
  }

  it("writes every kind of shape", () => {
    const output = {
      Text: "<a>",
      Flag: false,
      Moment: new Date("2026-01-02T03:04:05Z"),
      Bytes: Buffer.from([1, 2]),
      List: ["b", "c"],
      Map: { one: 1 },
      Inner: { List: [] },
    };
    assert.equal(
      protocol.write(operation, output, "id").body,
      '<?xml version="1.0"?><PutResponse xmlns="http://test/"><PutResult><Text>&lt;a&gt;</Text><Flag>false</Flag>' +
        "<Moment>2026-01-02T03:04:05.000Z</Moment><Bytes>AQI=</Bytes><List><member>b</member><member>c</member></List>" +
        "<Map><entry><key>one</key><value>1</value></entry></Map><Inner><List></List></Inner></PutResult>" +
        "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></PutResponse>",
    );
  });
});
