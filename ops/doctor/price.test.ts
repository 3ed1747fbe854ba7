/** Tests the doctor's prices. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import { ConfigError } from "../../infra/config.ts";
import { registrationsOf } from "../../infra/testing/registrations.ts";
import { stackConfig } from "../../infra/testing/stacks.ts";
import { pricesAsOf, pricesRegion } from "../../policies/instance-types.ts";
import { alarmMetrics, atLimitMonthly, atRestMonthly, priceFindings } from "./price.ts";
import { readSettings } from "./settings.ts";
import { readStackFile } from "./stack-file.ts";

const sizing = { instanceType: "ml.g4dn.xlarge", minCapacity: 0, maxCapacity: 5, scaleIn: "idle" } as const;

describe("the price", () => {
  it("covers all instances at the limit, and none at rest", () => {
    const [limit, rest] = priceFindings(sizing);
    assert.equal(limit?.status, "ok");
    assert.match(limit.what, /^3\.68 USD an hour at the limit: 5 ml\.g4dn\.xlarge at 0\.7364/);
    assert.equal(rest?.status, "ok");
    assert.match(rest.what, /^no instance; 5\.80 USD a month for a key, 18 metrics with alarms and a dashboard/);
  });

  it("counts the other alarms of target tracking that scales in", () => {
    const [, rest] = priceFindings({ ...sizing, scaleIn: "tracking" });
    assert.match(rest?.what ?? "", /^no instance; 5\.70 USD a month for a key, 17 metrics with alarms/);
  });

  it("names the price of a warm window", () => {
    const warmWindow = { days: "MON-FRI", start: "08:00", end: "18:00", timeZone: "Etc/UTC", instances: 1 };
    const [, rest] = priceFindings({ ...sizing, warmWindow });
    assert.match(rest?.what ?? "", /and 7\.36 USD a day of the warm window for 1 instance\(s\) from 08:00 to 18:00/);
  });

  it("of a month has the fixed costs at rest, and all instances at the limit", () => {
    const priced = { ...sizing, price: 0.5 };
    assert.equal(atRestMonthly(priced).toFixed(2), "5.80");
    assert.equal(atLimitMonthly(priced).toFixed(2), (5.8 + 0.5 * 5 * 730).toFixed(2));
    assert.equal(atRestMonthly({ ...priced, minCapacity: 1 }).toFixed(2), (5.8 + 0.5 * 730).toFixed(2));
  });

  for (const [days, count] of [
    ["MON-FRI", 5],
    ["SAT,SUN", 2],
    ["FRI-MON", 4],
  ] as const) {
    it(`of a month at rest has the hours of a warm window on ${days}`, () => {
      const warmWindow = { days, start: "08:00", end: "18:00", timeZone: "Etc/UTC", instances: 2 };
      const added = atRestMonthly({ ...sizing, price: 0.5, warmWindow }) - atRestMonthly({ ...sizing, price: 0.5 });
      assert.equal(added.toFixed(2), ((0.5 * 2 * 10 * count * 730) / 168).toFixed(2));
    });
  }

  for (const stack of ["dev", "prod"]) {
    it(`of the stack ${stack} is the one in README.md and docs/deployment.md`, async () => {
      const root = join(import.meta.dirname, "..", "..");
      const settings = readSettings(await readStackFile(root, stack));
      assert.ok(!(settings instanceof ConfigError));
      const [limit, rest] = priceFindings(settings);
      const page = await readFile(join(root, "docs", "deployment.md"), "utf8");
      const row = new RegExp(`^\\| \`${stack}\` \\| (.+?) \\| (.+?) \\|$`, "m").exec(page.split("## Cost")[1] ?? "");
      assert.ok(rest?.what.startsWith(`no instance; ${row?.[1] ?? ""} for a key`), rest?.what);
      assert.ok(limit?.what.startsWith(`${row?.[2] ?? ""} at the limit`), limit?.what);
      const readme = await readFile(join(root, "README.md"), "utf8");
      const [dollarsPerHour = ""] = limit?.what.split(" ") ?? [];
      assert.match(readme, new RegExp(`\\\`${stack}\\\` (costs )?${dollarsPerHour}\\b`));
      assert.match(readme, /Without an instance, a stack costs 5\.80 USD a month/);
      assert.match(rest?.what ?? "", /^no instance; 5\.80 USD a month/);
      assert.ok(page.includes(`Prices of ${pricesRegion}, ${pricesAsOf}, with`));
    });
  }

  it("is a warning if instances keep running", () => {
    const [, rest] = priceFindings({ ...sizing, minCapacity: 2 });
    assert.equal(rest?.status, "warning");
    assert.match(rest.what, /^1\.47 USD an hour for a minCapacity of 2/);
  });

  it("is unchecked for a type without a price in the pack's table", () => {
    const [limit, rest] = priceFindings({ ...sizing, instanceType: "ml.g9.huge", minCapacity: 1 });
    assert.equal(limit?.status, "warning");
    assert.match(limit.what, /could not be checked: .*ml\.g9\.huge/);
    assert.equal(rest?.status, "warning");
  });

  it("is unchecked for a type named like an object's member", () => {
    const [limit] = priceFindings({ ...sizing, instanceType: "constructor" });
    assert.match(limit?.what ?? "", /could not be checked: .*no price for constructor/);
  });

  for (const scaleIn of ["idle", "tracking"] as const) {
    it(`counts the alarms, the keys and the dashboards that the program creates with scaleIn ${scaleIn}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "doctor-"));
      try {
        const artifact = join(folder, "model.tar.gz");
        await writeFile(artifact, "weights and code");
        const program = `../../infra/index.ts?price=${scaleIn}`;
        const { registrations } = await registrationsOf(() => import(program), {
          stack: "dev",
          config: { ...stackConfig("dev", artifact), "async-video-inference:scaleIn": scaleIn },
        });
        const count = (type: string): number => registrations.all.filter((each) => each.type === type).length;
        const watched = registrations.ofType("aws:cloudwatch/metricAlarm:MetricAlarm").map(({ inputs }) => {
          const queries = inputs["metricQueries"] as { metric?: unknown }[] | undefined;
          return queries === undefined ? 1 : queries.filter(({ metric }) => metric !== undefined).length;
        });
        assert.equal(
          watched.reduce((sum, metrics) => sum + metrics, 0),
          alarmMetrics[scaleIn].own,
        );
        assert.equal(count("aws:kms/key:Key"), 1);
        assert.equal(count("aws:cloudwatch/dashboard:Dashboard"), 1);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }
});
