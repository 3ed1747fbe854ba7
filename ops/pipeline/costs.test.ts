/** Tests the costs of a stack's settings, and that files of them are treated as data. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { scenarioNames } from "../../planner/scenarios.ts";
import { costsOf, costsTable, readCosts } from "./costs.ts";
import type { StackCosts } from "./costs.ts";
import { Sandbox } from "./testing/steps.ts";

const known = {
  stack: "dev",
  rest: 5.8,
  limit: 1080.94,
  scenarios: [
    { name: "blog", usd: 6.5, minutes: 250.4, expired: 0 },
    { name: "long-videos", usd: 3, minutes: 360, expired: 8 },
  ],
} satisfies StackCosts;

describe("the step costs", () => {
  it("computes the costs of each stack from its settings, for every scenario", async () => {
    await using sandbox = await Sandbox.create();
    const folder = join(sandbox.folder, "costs");
    const { status, stdout, stderr } = await sandbox.step(["costs", "--stacks", "dev,prod", "--to", folder]);
    assert.equal(status, 0, stderr);
    // 5.80 USD, and 730 hours of five instances at 0.7364 USD.
    assert.match(stdout, /^prod: 2693\.66 USD a month at the limit$/m);
    const prod = await readCosts(folder, "prod");
    assert.ok("scenarios" in prod);
    assert.equal(prod.rest.toFixed(2), "5.80");
    assert.deepEqual(
      prod.scenarios.map(({ name }) => name),
      scenarioNames,
    );
    for (const each of prod.scenarios) assert.ok("usd" in each && each.usd > 0 && each.minutes > 0, each.name);
    const dev = JSON.parse(await readFile(join(folder, "dev.costs.json"), "utf8")) as { limit: number };
    assert.equal(dev.limit.toFixed(2), "1080.94");
  }).timeout(60_000);

  it("has a problem instead of costs for a stack without settings", async () => {
    assert.deepEqual(await costsOf("none"), {
      stack: "none",
      problem: "This project has no stack none: there is no file Pulumi.none.yaml.",
    });
  });
});

describe("the table of costs", () => {
  it("shows each cost before and after", () => {
    const after = { ...known, limit: 2156.07, scenarios: [{ name: "blog", usd: 6.75, minutes: 130, expired: 0 }] };
    assert.equal(
      costsTable(known, after),
      [
        "                      before                         after",
        "a month at rest       5.80 USD                       5.80 USD",
        "a month at the limit  1080.94 USD                    2156.07 USD",
        "blog                  6.50 USD in 250 min            6.75 USD in 130 min",
        "long-videos           3.00 USD in 360 min, 8 expire  unknown",
      ].join("\n"),
    );
  });

  it("says why costs are unknown", () => {
    const table = costsTable({ stack: "dev", problem: "No price is known for ml.x9.huge." }, known);
    assert.match(table, /^a month at rest +unknown +5\.80 USD$/m);
    assert.match(table, /\n\nbefore: the costs are unknown: No price is known for ml\.x9\.huge\.$/);
  });

  it("says why a scenario cannot run", () => {
    const scenarios = [{ name: "blog", problem: "All videos take longer than the time limit of a run" }];
    assert.match(costsTable(known, { ...known, scenarios }), /\nafter, blog: All videos take longer/);
  });
});

describe("a file of costs", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "costs-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const write = async (content: unknown): Promise<void> => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await writeFile(join(folder, "dev.costs.json"), text);
  };
  const invalid = { stack: "dev", problem: "the file with the costs is not valid" };

  it("is read back unchanged", async () => {
    await write(known);
    assert.deepEqual(await readCosts(folder, "dev"), known);
  });

  it("may be missing", async () => {
    assert.deepEqual(await readCosts(folder, "dev"), { stack: "dev", problem: "the costs were not computed" });
  });

  for (const [what, content] of [
    ["of another stack", { ...known, stack: "prod" }],
    ["with another field", { ...known, body: "x" }],
    ["with a text as a cost", { ...known, rest: "@everyone" }],
    ["with a name that is not a scenario's", { ...known, scenarios: [{ ...known.scenarios[0], name: "](x)" }] }],
    ["with a long problem", { stack: "dev", problem: "x".repeat(301) }],
    ["that is not JSON", "{"],
    ["that is too large", `${JSON.stringify(known)}${" ".repeat(64 * 1024)}`],
  ] as const) {
    it(`counts as unknown costs ${what}`, async () => {
      await write(content);
      assert.deepEqual(await readCosts(folder, "dev"), invalid);
    });
  }

  it("counts as unknown costs if it is a link", async () => {
    await writeFile(join(folder, "secret"), JSON.stringify(known));
    await symlink(join(folder, "secret"), join(folder, "dev.costs.json"));
    assert.deepEqual(await readCosts(folder, "dev"), invalid);
  });

  it("has printable problems in one line, without account numbers", async () => {
    await write({ stack: "dev", problem: "a\n\u202e arn:aws:iam::123456789012:role/x" });
    const costs = await readCosts(folder, "dev");
    assert.deepEqual(costs, { stack: "dev", problem: String.raw`a \u202e arn:aws:iam::<account>:role/x` });
  });
});
