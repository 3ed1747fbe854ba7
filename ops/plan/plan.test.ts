/** Tests the command `plan`: input, output and exit status. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { runCommandLine } from "../../lib/command-line.ts";
import type { Terminal } from "../../lib/command-line.ts";
import type { MeasuredResult } from "../../planner/burst.ts";
import type { PlanResult } from "../../planner/plan.ts";
import { measuredBurst } from "../../planner/testing/measured-burst.ts";
import { planCommand } from "./plan.ts";

async function plan(...args: string[]) {
  let [out, err] = ["", ""];
  const terminal: Terminal = {
    stdin: process.stdin,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    environment: {},
    signal: new AbortController().signal,
  };
  const status = await runCommandLine(planCommand, args, terminal);
  return { status, out, err };
}

const keys = [
  ...["requests", "runs", "interrupted_expected", "throughput_per_minute", "drain_minutes", "last_wait_seconds"],
  ...["wait_seconds", "total_seconds", "expired", "instances_peak", "instances_end", "instance_hours", "utilisation"],
  ...["usd", "usd_per_video", "usd_always_on"],
];

describe("npm run plan", () => {
  it("plans with the settings of a stack, replaced by options", async () => {
    const options = "--stack prod --burst 50 --seconds 600 --concurrency 1 --max 5 --start-minutes 4 --json";
    const { status, out } = await plan(...options.split(" "));
    assert.equal(status, 0);
    const result = z.record(z.string(), z.unknown()).parse(JSON.parse(out));
    assert.deepEqual(Object.keys(result), keys);
    assert.equal(result["runs"], 50);
    assert.ok(Number(result["drain_minutes"]) <= 115);
  });

  it("plans a scenario, and prints a table", async () => {
    const { status, out } = await plan("--scenario", "blog");
    assert.equal(status, 0);
    assert.match(out, /^videos +1000, 18\.\d a minute\n/);
    assert.match(out, /\ninstances +up to 5, 0 at the end\n/);
  });

  it("compares settings, and recommends target tracking where it is cheaper", async () => {
    const { out } = await plan("--scenario", "trickle-after-burst", "--compare", "--json");
    const flat = z.object({ settings: z.object({ maxCapacity: z.number(), scaleIn: z.string() }), usd: z.number() });
    const { plans, recommended } = z.object({ plans: z.array(flat), recommended: flat }).parse(JSON.parse(out));
    const own = plans.filter(({ settings }) => settings.maxCapacity === recommended.settings.maxCapacity);
    assert.equal(own.length, 2);
    assert.equal(recommended.usd, Math.min(...own.map(({ usd }) => usd)));
    assert.equal(recommended.settings.scaleIn, "tracking");
  }).timeout(60_000);

  it("prints the settings that it finds for a deadline", async () => {
    const { status, out } = await plan("--burst", "8", "--seconds", "300", "--deadline", "1h");
    assert.equal(status, 0);
    assert.match(out, /^settings +maxCapacity \d+, backlogTarget \d+, scaleIn (idle|tracking)\nvideos +8/);
  }).timeout(60_000);

  it("writes a report, and names it in the output", async () => {
    const folder = await mkdtemp(join(tmpdir(), "plan-"));
    try {
      const file = join(folder, "plan.html");
      const { status, out } = await plan("--burst", "8", "--seconds", "30", "--html", file, "--json");
      assert.equal(status, 0);
      assert.deepEqual(Object.keys(JSON.parse(out) as object), [...keys, "report"]);
      const html = await readFile(file, "utf8");
      assert.match(html, /^<!doctype html>[^]*<h1>Plan for 8 videos<\/h1>/);
      assert.match(html, /Content-Security-Policy" content="default-src 'none'; script-src 'sha256-/);
      assert.doesNotMatch(html.replace(/<script>[^]*?<\/script>/g, ""), /https?:|src=/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("plans a measured burst, and prints what was measured next to it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "plan-"));
    const file = join(folder, "measurements.json");
    try {
      await writeFile(file, JSON.stringify(measuredBurst));
      const json = JSON.parse((await plan("--from-burst", file, "--json")).out) as PlanResult & {
        measured: MeasuredResult;
      };
      assert.deepEqual(Object.keys(json), [...keys, "measured"]);
      // From 12 s after a minute: two datapoints, seen a minute later, and one minute to start.
      assert.deepEqual([json.requests, json.wait_seconds.p50, json.measured.wait_seconds.p50], [2, 228, 170]);
      const { out } = await plan("--from-burst", file, "--stack", "prod");
      assert.match(out, /\n {35}planned {6}measured\ndone after +5\.0 min +4\.0 min\n/);
      assert.match(out, /\ninstance-hours +0\.\d\d +0\.30\n$/);
      const { status, err } = await plan("--from-burst", file, "--seconds", "30");
      assert.deepEqual([status, err], [2, "error: Use either --from-burst or --seconds, not both.\n"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("prints the plan, and fails, if videos expire", async () => {
    const { status, out, err } = await plan("--burst", "20", "--seconds", "600", "--max", "1", "--ttl", "3600");
    assert.equal(status, 1);
    assert.match(out, /^videos/);
    assert.match(err, /^error: \d of 20 videos expire: they wait longer than 3600 s in the queue\. \(raise --max/);
  });

  for (const [args, message] of [
    ["--burst 1", "The plan needs the processing time of a video."],
    ["--seconds 30", "The plan has no videos."],
    ["--burst 1 --seconds 30 --from-results out", "Use either --seconds or --from-results, not both."],
    ["--burst 1 --seconds 30 --stack none", "This project has no stack none: there is no file Pulumi.none.yaml."],
    ["--burst 1 --seconds 30 --instance ml.x9.huge", "No price is known for ml.x9.huge."],
    ["--burst 1 --seconds 30 --instance g5", 'instanceType is "g5", but must be a SageMaker instance type'],
    ["--burst 1 --seconds 901", "All videos take longer than the time limit of a run, 900 s"],
    ["--burst 1 --seconds fast", "--seconds fast is not a processing time."],
    ["--burst 1 --seconds 30 --deadline soon", "soon is not a duration."],
    ["--burst 1 --seconds 30 --compare --budget 1", "Use either --compare or a limit"],
    ["--burst 1 --seconds 30 --compare --html plan.html", "Use either --compare or --html"],
    ["--scenario blog --compare", "The scaling of the scenario blog is fixed"],
    ["--scenario none", "--scenario takes blog or long-videos or trickle-after-burst"],
  ] as const) {
    it(`refuses ${args}`, async () => {
      const { status, out, err } = await plan(...args.split(" "));
      assert.deepEqual([status, out], [2, ""]);
      assert.ok(err.includes(message), err);
    });
  }
});
