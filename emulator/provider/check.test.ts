import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { checkInputs } from "./check.ts";
import type { CheckContext } from "./check.ts";
import {
  assetField,
  blockField,
  decimalField,
  booleanField,
  jsonField,
  listField,
  mapField,
  numberField,
  policyField,
  regional,
  setField,
  tagged,
  stringField,
} from "./properties.ts";
import { unknown } from "./values.ts";
import type { Values } from "./values.ts";

const fields = {
  name: stringField({
    autoName: { max: 20, lowerCase: true, prefix: "p-" },
    matches: [/^[^_]+$/, "without underscores"],
    forceNew: true,
  }),
  fifo: booleanField({ default: false }),
  size: numberField({ required: true, min: 1 }),
  policy: policyField(),
  rule: jsonField({ conflictsWith: ["policy", "bound"] }),
  bound: decimalField({ requires: "zones" }),
  file: assetField(),
  environment: mapField(),
  steps: listField(blockField({ kind: stringField({ default: "step" }), count: numberField() })),
  zones: setField(stringField({ required: true })),
  ...tagged,
  ...regional,
};

const context: CheckContext = {
  name: "Thing",
  region: "us-east-1",
  tags: { defaults: { Project: "video", Owner: "team" }, ignoredKeys: ["Secret"], ignoredPrefixes: ["tmp:"] },
  seed: Uint8Array.from([0xab, 0xcd, 0xef, 0x01, 0x23]),
};

const good: Values = { size: 1 };

function check(news: Values, olds: Values = {}, more: Partial<CheckContext> = {}) {
  const { inputs, failures } = checkInputs({ fields }, olds, news, { ...context, ...more });
  return { inputs, reasons: Object.fromEntries(failures.map(({ property, reason }) => [property, reason])) };
}

describe("Check", () => {
  it("fills in name, defaults, region and tags, and marks the defaults", () => {
    const { inputs, reasons } = check(good);
    assert.deepEqual(reasons, {});
    assert.deepEqual(inputs, {
      __defaults: ["fifo", "name"],
      fifo: false,
      name: "p-thing-abcdef0",
      region: "us-east-1",
      size: 1,
      tagsAll: { Owner: "team", Project: "video" },
    });
  });

  it("fills in the defaults of each block", () => {
    const { inputs } = check({ ...good, steps: [{ count: 2 }, { kind: "other" }] });
    assert.deepEqual(inputs["steps"], [{ count: 2, kind: "step" }, { kind: "other" }]);
  });

  describe("of names", () => {
    it("keeps a name that was generated in an earlier run", () => {
      const old = check(good).inputs;
      assert.equal(check(good, old, { seed: Uint8Array.from([9, 9, 9, 9]) }).inputs["name"], old["name"]);
    });

    it("generates a new one when the program drops its name", () => {
      const old = check({ ...good, name: "given" }).inputs;
      assert.equal(old["name"], "given");
      assert.equal(check(good, old).inputs["name"], "p-thing-abcdef0");
    });

    it("accepts the longest name, and refuses one that is longer instead of cutting it", () => {
      assert.deepEqual(check(good, {}, { name: "a".repeat(12) }).reasons, {});
      const { reasons } = check(good, {}, { name: "a".repeat(13) });
      assert.match(reasons["name"] ?? "", /name 'aaaaaaaaaaaaa' plus 7 random chars is longer than maximum length 20/);
    });

    it("generates one without random bytes from the engine", () => {
      assert.match(
        JSON.stringify(check(good, {}, { seed: new Uint8Array() }).inputs["name"]),
        /^"p-thing-[0-9a-f]{7}"$/,
      );
    });
  });

  describe("of tags", () => {
    it("overlays the defaults with the program's tags, without the ignored ones", () => {
      const { inputs } = check({ ...good, tags: { Owner: "me", Secret: "x", "tmp:y": "z" } });
      assert.deepEqual(inputs["tagsAll"], { Owner: "me", Project: "video" });
    });

    it("reports all tags as unknown while the program's are unknown", () => {
      assert.equal(check({ ...good, tags: unknown }).inputs["tagsAll"], unknown);
    });
  });

  it("prefers the program's region to the provider's", () => {
    assert.equal(check({ ...good, region: "eu-west-1" }).inputs["region"], "eu-west-1");
  });

  it("writes a policy that is an object as text, and reports one with an unknown as unknown", () => {
    assert.equal(check({ ...good, policy: { Version: "v" } }).inputs["policy"], '{"Version":"v"}');
    assert.equal(check({ ...good, policy: { Version: [unknown] } }).inputs["policy"], unknown);
  });

  it("treats null as missing", () => {
    assert.deepEqual(check({ ...good, environment: null }).inputs, check(good).inputs);
  });

  it("accepts an unknown for any value", () => {
    const names = Object.keys(fields).filter((name) => name !== "rule");
    const news = Object.fromEntries(names.map((name) => [name, unknown]));
    const { inputs, reasons } = check({ ...news, steps: [{ count: unknown }, unknown] });
    assert.deepEqual(reasons, {});
    assert.equal(inputs["name"], unknown);
  });

  it("refuses untranslated properties by name, at any depth", () => {
    assert.match(check({ ...good, acl: "private" }).reasons["acl"] ?? "", /"acl" is not translated/);
    assert.match(check({ ...good, steps: [{ other: 1 }] }).reasons["steps[0].other"] ?? "", /is not translated/);
  });

  it("refuses missing properties", () => {
    assert.match(check({}).reasons["size"] ?? "", /"size" is required/);
  });

  const wrong: Readonly<Record<string, Values>> = {
    size: { size: "1" },
    name: { name: 1 },
    fifo: { fifo: "yes" },
    policy: { policy: "no JSON" },
    rule: { rule: {} },
    bound: { bound: "one", zones: [] },
    file: { file: { path: "x" } },
    environment: { environment: { A: 1 } },
    steps: { steps: {} },
    "steps[0].count": { steps: [{ count: "2" }] },
    "zones[1]": { zones: ["a", 2] },
  };
  for (const [property, news] of Object.entries(wrong)) {
    it(`refuses a wrong kind of value: ${JSON.stringify(news)}`, () => {
      assert.match(check({ ...good, ...news }).reasons[property] ?? "", /must be .*, got /);
    });
  }

  it("refuses values and combinations that break a property's rules", () => {
    assert.deepEqual(check({ size: 0 }).reasons, { size: '"size" must be at least 1, got 0' });
    assert.deepEqual(check({ ...good, name: "a_b" }).reasons, {
      name: '"name" is a_b, but must be without underscores',
    });
    assert.match(
      check(good, {}, { name: "a_b" }).reasons["name"] ?? "",
      /"name" is p-a_b-abcdef0, but must be without underscores/,
    );
    assert.deepEqual(check({ ...good, bound: "1" }).reasons, { bound: '"zones" is required with "bound"' });
    assert.deepEqual(check({ ...good, rule: "{}", bound: "1", zones: [] }).reasons, {
      rule: '"rule" cannot be combined with "bound": leave one of them out',
    });
  });
});
