import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { BurstFigures } from "../burst/figures.ts";
import type { Measurements } from "../burst/measurements.ts";
import { readJournal } from "../../src/journal.ts";
import { eventually } from "../../../lib/testing/processes.ts";
import { startCommandFixture } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";
import { objectKey } from "../../testing/fake-aws.ts";
import type { SeenInvocation } from "../../testing/fake-aws.ts";
import { currentResult } from "../../testing/sample-result.ts";

interface MetricQuery {
  readonly Id: string;
  readonly MetricStat: {
    readonly Metric: { readonly MetricName: string; readonly Dimensions: readonly { readonly Name: string }[] };
  };
}

describe("the command burst", () => {
  let fixture: CommandFixture;
  let queries: readonly MetricQuery[];
  /** A metric name under which CloudWatch has no requests. */
  let otherSpelling: string | undefined;

  beforeEach(async () => {
    fixture = await startCommandFixture();
    queries = [];
    otherSpelling = undefined;
    const { aws } = fixture;
    aws.endpoint = { EndpointStatus: "InService", CurrentInstanceCount: 1, DesiredInstanceCount: 2 };
    // Each invocation takes 2 s in the model and 60 s in the backlog, by CloudWatch.
    for (const [metric, Maximum, Unit] of [
      ["ModelLatency", 2e6, "Microseconds"],
      ["TimeInBacklog", 60e6, "Microseconds"],
      ["TotalProcessingTime", 62e3, "Milliseconds"],
    ] as const) {
      aws.metrics.set(metric, () => {
        const SampleCount = aws.invocations.length;
        return [{ Sum: Maximum * SampleCount, SampleCount, Maximum, Unit }];
      });
    }
    aws.answers.set("GetMetricData", (input) => {
      const asked = input as { MetricDataQueries: MetricQuery[]; NextToken?: string };
      queries = asked.MetricDataQueries;
      const count = aws.invocations.length;
      const minute = Math.floor(aws.now.getTime() / 60_000) * 60;
      // One value per page: the client must request the next one.
      const valueOf = ({ MetricStat: { Metric } }: MetricQuery): number =>
        Metric.MetricName.includes("ail") || Metric.MetricName === otherSpelling ? 0 : count;
      const half = asked.MetricDataQueries.length / 2;
      const page = asked.NextToken === undefined ? queries.slice(0, half) : queries.slice(half);
      return {
        MetricDataResults: page.map((query) => ({ Id: query.Id, Timestamps: [minute], Values: [valueOf(query)] })),
        ...(asked.NextToken === undefined ? { NextToken: "more" } : {}),
      };
    });
  });

  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const complete = ({ outputLocation }: SeenInvocation): void => {
    fixture.aws.objects.set(objectKey(outputLocation), Buffer.from("a result"));
  };
  const burst = (...args: readonly string[]) =>
    fixture.execute(["burst", "--video", fixture.path("a.mp4"), "--out", fixture.path("burst"), ...args]);

  it("fails at once, before it reads a video, if nothing answers at the endpoint", async () => {
    fixture.outputs = { awsEndpointUrl: "http://127.0.0.1:1" };
    const { status, stderr } = await burst("--count", "1");
    assert.equal(status, 2);
    assert.match(stderr, /is the emulator up \(npm run local:up\)\?/);
    assert.doesNotMatch(stderr, /hashing|uploading/);
  }).timeout(60_000);

  it("shows the upload, and not only the hash, while the upload is retried", async () => {
    fixture.aws.onInvocation = complete;
    // The upload takes longer than the interval between two lines of a log.
    fixture.aws.answerMs = 1_500;
    fixture.aws.fail({ operation: "PutObject", times: 4, answer: { status: 503, code: "SlowDown" } });
    const { status, stderr } = await burst("--count", "1");
    assert.equal(status, 0, stderr);
    assert.match(stderr, /… a\.mp4: uploading/);
  }).timeout(60_000);

  it("names its jobs by the file in status", async () => {
    fixture.aws.onInvocation = complete;
    await burst("--count", "1");
    const { stdout } = await fixture.execute(["status", fixture.path("burst/jobs.jsonl")]);
    assert.match(stdout, /a\.mp4 \(burst-\w+-1\): completed/);
  });

  it("sends the given number of jobs, all reading one object, each under a different name", async () => {
    fixture.aws.onInvocation = complete;
    const { status, stderr } = await burst("--count", "40");
    assert.equal(status, 0, stderr);
    const { invocations } = fixture.aws;
    assert.equal(invocations.length, 40);
    assert.equal(new Set(invocations.map(({ inferenceId }) => inferenceId)).size, 40);
    assert.equal(new Set(invocations.map(({ inputLocation }) => inputLocation)).size, 1);
    assert.equal(fixture.aws.count("PutObject"), 1);
    assert.ok(invocations.every(({ inferenceId }) => /^burst-[0-9a-f]{8}-\d\d$/.test(inferenceId)));
  });

  it("sends several videos in turn", async () => {
    fixture.aws.onInvocation = complete;
    await burst("--count", "5", "--video", fixture.path("b.mp4"), "--concurrency", "1");
    const places = fixture.aws.invocations.map(({ inputLocation }) => inputLocation);
    assert.deepEqual(
      places.map((place) => places.indexOf(place)),
      [0, 1, 0, 1, 0],
    );
  });

  it("prints the table of the endpoint's metrics, and writes it next to the report and the journal", async () => {
    fixture.aws.onInvocation = complete;
    const { stdout } = await burst("--count", "40", "--json");
    const figures = JSON.parse(stdout) as BurstFigures & { report: string; journal: string; notes: string[] };
    assert.deepEqual([figures.invocations, figures.completed, figures.failed, figures.expired], [40, 40, 0, 0]);
    assert.deepEqual(figures.modelSeconds, { mean: 2, most: 2 });
    assert.deepEqual(figures.backlogSeconds, { mean: 60, most: 60 });
    assert.deepEqual(figures.totalSeconds, { mean: 62, most: 62 });
    assert.deepEqual(figures.perMinute, { mean: 40, most: 40, minutes: 1 });
    assert.deepEqual(figures.instances, { most: 1, allowed: 5 });
    assert.equal(figures.outputBytes, "a result".length);
    assert.deepEqual(figures.notes.slice(1), ["The burst did not begin at zero: 1 instance had been running before."]);
    assert.deepEqual(JSON.parse(await readFile(fixture.path("burst/figures.json"), "utf8")), figures);
    assert.match(await readFile(figures.report, "utf8"), /^<!doctype html>[^]*Burst of 40 videos/);
    const entries = [...(await readJournal(figures.journal)).values()];
    assert.ok(entries.length === 40 && entries.every(({ end }) => end?.status === "completed"));
  });

  it("writes measurements for a plan", async () => {
    fixture.aws.onInvocation = complete;
    const { stdout } = await burst("--count", "3", "--json");
    const { measurements: file } = JSON.parse(stdout) as { measurements: string };
    const { jobs, instancesBefore } = JSON.parse(await readFile(file, "utf8")) as Measurements;
    assert.deepEqual(
      jobs.map(({ service, status }) => [service, status]),
      [
        [2, "completed"],
        [2, "completed"],
        [2, "completed"],
      ],
    );
    assert.equal(instancesBefore, 2);
  });

  for (const spelling of ["InvocationsProcessed", "InvocationsProcesssed"]) {
    it(`counts processed requests if SageMaker names the metric ${spelling}`, async () => {
      otherSpelling = spelling === "InvocationsProcessed" ? "InvocationsProcesssed" : "InvocationsProcessed";
      fixture.aws.onInvocation = complete;
      const { stdout } = await burst("--count", "4", "--json");
      assert.deepEqual((JSON.parse(stdout) as BurstFigures).perMinute, { mean: 4, most: 4, minutes: 1 });
    });
  }

  it("marks table, JSON and report of the emulator, and takes the device from the results", async () => {
    fixture.aws.onInvocation = ({ outputLocation, inferenceId }) => {
      const device = inferenceId.endsWith("1") ? "cuda" : "cpu";
      const result = { ...currentResult, handler: { ...currentResult.handler, device } };
      fixture.aws.objects.set(objectKey(outputLocation), Buffer.from(JSON.stringify(result)));
    };
    const { stdout, status } = await burst("--count", "2");
    assert.equal(status, 0);
    const words = "AWS emulator, CPU and GPU of this machine, accelerated clock";
    assert.match(stdout, new RegExp(`^Environment +${words}$`, "m"));
    assert.match(stdout, new RegExp(`^note: These figures are of the ${words}\\.`, "m"));
    assert.doesNotMatch(stdout, /USD/);
    const figures = JSON.parse(await readFile(fixture.path("burst/figures.json"), "utf8")) as BurstFigures;
    assert.deepEqual([figures.environment, figures.devices], ["emulator", ["cpu", "cuda"]]);
    const report = await readFile(fixture.path("burst/report.html"), "utf8");
    assert.match(report, new RegExp(`<p>Endpoint video, ${words}; [-0-9: ]+ UTC to [-0-9: ]+ UTC \\(stack clock\\)`));
    assert.match(report, /<h1>Burst of 2 videos on the AWS emulator<\/h1>/);
    assert.match(report, /Minutes since the first video was sent \(stack clock\)/);
  });

  it("shows progress in real seconds at any speed of the stack clock", async () => {
    fixture.aws.onInvocation = () => {
      fixture.aws.now = new Date(fixture.aws.now.getTime() + 3_600_000);
    };
    const { stderr } = await burst("--count", "2", "--limit", "6");
    const ages = [...stderr.matchAll(/oldest (\d+) s/g)].map(([, seconds]) => Number(seconds));
    assert.ok(ages.length > 0, stderr);
    assert.ok(
      ages.every((age) => age < 60),
      stderr,
    );
  });

  it("reads the queue's metrics by endpoint only, and the others by endpoint and variant", async () => {
    fixture.aws.onInvocation = complete;
    await burst("--count", "1");
    for (const { MetricStat } of queries) {
      const { MetricName, Dimensions } = MetricStat.Metric;
      const names = Dimensions.map(({ Name }) => Name);
      assert.deepEqual(
        names,
        MetricName.startsWith("Approximate") ? ["EndpointName"] : ["EndpointName", "VariantName"],
        MetricName,
      );
    }
  });

  it("exits with 1 and shows the first reason if jobs fail", async () => {
    fixture.aws.onInvocation = (invocation) => {
      if (!invocation.inferenceId.endsWith("3")) complete(invocation);
      else fixture.aws.objects.set(objectKey(invocation.failureLocation), Buffer.from('{"error":"no frame"}'));
    };
    const { status, stdout } = await burst("--count", "12");
    assert.equal(status, 1);
    assert.match(stdout, /Completed +11, 1 failed/);
    assert.match(stdout, /note: The first failure: no frame/);
  });

  it("stops watching at its limit and counts the jobs that have not ended", async () => {
    const { status, stdout } = await burst("--count", "3", "--limit", "1");
    assert.equal(status, 1);
    assert.match(stdout, /Completed +0, 3 not ended/);
    assert.match(stdout, /3 jobs had not ended when the watch ended/);
  });

  it("counts the running jobs after Ctrl-C, and leaves a journal", async () => {
    let sent = 0;
    fixture.aws.onInvocation = (invocation) => {
      sent += 1;
      if (sent <= 2) complete(invocation);
    };
    const running = burst("--count", "5");
    const journal = fixture.path("burst/jobs.jsonl");
    await eventually("five jobs sent, two of them ended", async () => {
      const entries = existsSync(journal) ? [...(await readJournal(journal)).values()] : [];
      const sentJobs = entries.filter(({ job }) => job !== undefined).length;
      return sentJobs === 5 && entries.filter(({ end }) => end !== undefined).length === 2;
    });
    fixture.controller.abort();
    const { status, stderr } = await running;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /accepted 5 of 5 jobs, ended 2; still running 3\..*npm run status/);
    const entries = [...(await readJournal(journal)).values()];
    assert.deepEqual(entries.map(({ job, end }) => [job !== undefined, end?.status === "completed"]).sort(), [
      [true, false],
      [true, false],
      [true, false],
      [true, true],
      [true, true],
    ]);
  });

  it("sends nothing if the caller may not see the instances", async () => {
    const answer = { status: 400, code: "AccessDeniedException", message: "no" };
    fixture.aws.fail({ operation: "DescribeEndpoint", answer, times: 100 });
    const { status, stderr } = await burst("--count", "1");
    assert.equal(status, 2);
    assert.match(stderr, /AccessDeniedException: no/);
    assert.deepEqual(fixture.aws.invocations, []);
    assert.equal(fixture.aws.count("PutObject"), 0);
  });

  it("counts the accepted jobs if the service refuses midway", async () => {
    fixture.aws.onInvocation = (invocation) => {
      complete(invocation);
      if (fixture.aws.invocations.length < 3) return;
      const answer = { status: 403, code: "AccessDeniedException", message: "no" };
      fixture.aws.fail({ operation: "InvokeEndpointAsync", answer, times: 100 });
    };
    const { status, stderr } = await burst("--count", "50", "--concurrency", "1");
    assert.equal(status, 2);
    assert.match(stderr, /AccessDeniedException: no/);
    assert.match(stderr, /accepted 3 of 50 jobs.*jobs\.jsonl/);
  });

  for (const [args, words] of [
    [["--count", "0"], /--count takes a whole number from 1/],
    [["--count", "1", "--video", "none.mp4"], /none\.mp4/],
    [["a.mp4"], /Too many arguments for 'burst'/],
    [["--count", "1", "--fps", "0"], /fps is 0/],
    [[], /burst needs --count N/],
    [["--concurrency", "2"], /burst needs --count N/],
    [["--count", "1", "--timeout", "901"], /901 s is too long: the stack allows 900 s/],
  ] as const) {
    it(`sends nothing for ${args.join(" ")}`, async () => {
      const { status, stderr } = await burst(...args);
      assert.equal(status, 2);
      assert.match(stderr, words);
      assert.equal(fixture.aws.count("PutObject") + fixture.aws.count("InvokeEndpointAsync"), 0);
    });
  }

  it("shows that a burst on the emulator has no cost, and starts", async () => {
    fixture.aws.onInvocation = complete;
    const { status, stderr } = await burst("--count", "1000", "--limit", "1", "--dry-run");
    assert.equal(status, 0, stderr);
    assert.equal(fixture.aws.count("InvokeEndpointAsync"), 0);
    const started = await burst("--count", "2");
    assert.equal(started.status, 0, started.stderr);
    assert.match(started.stderr, /^price: no cost/m);
    assert.equal(fixture.aws.count("InvokeEndpointAsync"), 2);
  });

  it("prints the jobs of a dry run with size and price, and makes no folder", async () => {
    fixture.outputs = { awsEndpointUrl: undefined };
    const { status, stdout } = await burst("--count", "1000", "--dry-run");
    assert.equal(status, 0);
    assert.match(
      stdout,
      /a\.mp4: 17 bytes\nnothing was sent; 1000 jobs would be\nupload: at most 17 bytes in 1 file .*\n/,
    );
    assert.match(stdout, /price: at most 96 USD: 1000 jobs of up to 900 s each/);
    await assert.rejects(access(fixture.path("burst")), { code: "ENOENT" });
    const { lines } = await burst("--count", "3", "--dry-run", "--json");
    assert.equal((lines()[0] as unknown as { jobs: number }).jobs, 3);
  });

  it("refuses a dry run with the folder of another burst", async () => {
    await mkdir(fixture.path("burst"));
    await writeFile(fixture.path("burst/jobs.jsonl"), "");
    const { status, stderr } = await burst("--count", "3", "--dry-run");
    assert.equal(status, 2);
    assert.match(stderr, /burst\/jobs\.jsonl exists already/);
  });

  it("shows the price on AWS, and sends nothing above 1 USD without a terminal or --yes", async () => {
    fixture.outputs = { awsEndpointUrl: undefined };
    const { status, stderr } = await burst("--count", "1000");
    assert.equal(status, 2);
    assert.match(stderr, /^price: at most 96 USD/m);
    assert.match(stderr, /the price is above 1 USD, and there is no terminal to ask: add --yes to start/);
    assert.equal(fixture.aws.requests.length, 0);
  });

  it("sends nothing if the folder has a burst already", async () => {
    fixture.aws.onInvocation = complete;
    await burst("--count", "1");
    const { status, stderr } = await burst("--count", "1");
    assert.deepEqual([status, fixture.aws.count("InvokeEndpointAsync")], [2, 1]);
    assert.match(stderr, /jobs\.jsonl exists already/);
    await writeFile(fixture.path("file"), "");
    assert.match(
      (
        await fixture.execute([
          "burst",
          "--video",
          fixture.path("a.mp4"),
          "--count",
          "1",
          "--out",
          fixture.path("file/x"),
        ])
      ).stderr,
      /a part of that path is a file or a broken link, remove it, or choose another one with --out/,
    );
  });
});
