import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, it } from "mocha";
import {
  accepted,
  entriesOf,
  jobIdOf,
  newRecord,
  outputNameOf,
  ownersOf,
  partIdOf,
  partNamed,
  withInvocation,
} from "./job-record.ts";
import { jobSchemaText } from "./job-schema.ts";
import { newInferenceId } from "./submit.ts";
import type { Job } from "./submit.ts";

const planned = {
  inferenceId: "mine",
  endpointName: "video",
  file: "/clips/street.mp4",
  contentType: "video/mp4",
  ttlSeconds: 60,
  timeoutSeconds: 30,
};
const source = { uri: "s3://in/videos/a.mp4", contentType: "video/mp4", etag: '"1"', bytes: 5, name: "street.mp4" };
const job: Job = {
  inferenceId: "mine",
  endpointName: "video",
  inputLocation: source.uri,
  contentType: "video/mp4",
  outputLocation: "s3://out/results/1.out",
  failureLocation: "s3://out/failures/1.out",
  submittedAt: "2030-01-01T00:00:00.000Z",
  ttlSeconds: 60,
  timeoutSeconds: 30,
  attempts: 1,
};
const record = newRecord(planned, source);
const sentAgain = { ...job, inferenceId: "mine.redrive-1", outputLocation: "s3://out/results/2.out" };

describe("a job id", () => {
  it("is the random name of a job", () => {
    const name = newInferenceId();
    assert.equal(jobIdOf(name), name);
  });

  it("differs for names that have the same characters in an id", () => {
    assert.equal(new Set(["a b", "a/b", "a-b", "a:b"].map(jobIdOf)).size, 4);
  });
});

describe("the name of a result", () => {
  it("is one that the API model of InvokeEndpointAsync allows, for each attempt", () => {
    for (const inferenceId of ["mine", "mine.redrive-9999", "a name / with spaces"]) {
      const { S3OutputPathExtension, Filename } = outputNameOf({ ...planned, inferenceId, format: "ndjson" });
      assert.match(S3OutputPathExtension, /^(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]{1,512}$/);
      assert.match(Filename, /^(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9\-_.]{0,31}$/);
    }
  });
});

describe("the record of a video in parts", () => {
  const parts = [0, 1, 2].map((number) => ({
    ...planned,
    inferenceId: partIdOf("mine", number),
    part: { job: "mine", number, from: 10 * number, to: number === 2 ? null : 10 * (number + 1) },
  }));
  const [, second = assert.fail()] = parts;
  const all = newRecord(second, source, parts);

  it("has all parts, each with its range and its request", () => {
    assert.equal(all.id, "mine");
    const ranges = [...entriesOf(all).values()].map((entry) => [entry.planned.inferenceId, entry.planned.part]);
    assert.deepEqual(
      ranges,
      parts.map(({ inferenceId, part }) => [inferenceId, part]),
    );
  });

  it("gets the acceptance of a part, and the request that sends it again", () => {
    const first = { ...job, inferenceId: "mine-1" };
    const again = { ...first, inferenceId: "mine-1.redrive-1", outputLocation: "s3://out/results/2.out" };
    const done = withInvocation(withInvocation(all, second, accepted(first)), second, accepted(again));
    const counts = done.parts.map(({ invocations }) => invocations.map(({ state }) => state));
    assert.deepEqual(counts, [["sending"], ["accepted", "accepted"], ["sending"]]);
    assert.deepEqual(entriesOf(done).get("mine-1.redrive-1")?.planned.part, second.part);
  });

  it("gets a part that it lacks, in order of time", () => {
    const late = newRecord(parts[2]!, source);
    const { parts: both } = withInvocation(late, second, accepted({ ...job, inferenceId: "mine-1" }));
    assert.deepEqual(
      both.map(({ from }) => from),
      [10, 20],
    );
  });

  it("tells a part from another one with the same start", () => {
    const longer = { ...second, inferenceId: "mine-7", part: { ...second.part, number: 7, to: 30 } };
    const both = withInvocation(newRecord(second, source), longer, accepted({ ...job, inferenceId: "mine-7" }));
    assert.deepEqual(
      both.parts.map(({ to, invocations }) => [to, invocations.map(({ inferenceId }) => inferenceId)]),
      [
        [20, ["mine-1"]],
        [30, ["mine-7"]],
      ],
    );
  });

  it("names each part's result by its number, within the API's limits", () => {
    const { S3OutputPathExtension, Filename } = outputNameOf({ ...second, inferenceId: "mine-1.redrive-9999" });
    assert.deepEqual([S3OutputPathExtension, Filename], ["mine", "part-00001-redrive-9999.json"]);
  });

  it("may be that of a request for a whole video whose name ends with a number", () => {
    assert.deepEqual(ownersOf("mine-1.redrive-2"), ["mine-1", "mine"]);
    assert.equal(partNamed("mine-1", { from: 0, to: null }), undefined);
    assert.deepEqual(partNamed("mine-1.redrive-2", { from: 10, to: 20 }), second.part);
    const whole = { ...planned, inferenceId: "mine-1" };
    assert.equal(entriesOf(newRecord(whole, source)).get("mine-1")?.planned.part, undefined);
  });
});

describe("a job's record", () => {
  it("has the job that was accepted, and its file's name without the folder", () => {
    const entry = entriesOf(withInvocation(record, planned, accepted(job))).get("mine");
    assert.deepEqual([entry?.job, entry?.planned.video], [job, "street.mp4"]);
  });

  it("keeps an acceptance when it is about to be sent, or was refused", () => {
    const done = withInvocation(record, planned, accepted(job));
    const { inferenceId, endpointName } = planned;
    assert.equal(withInvocation(done, planned, { state: "sending", inferenceId, endpointName }), done);
    assert.equal(withInvocation(done, planned, { state: "refused", inferenceId, endpointName, problem: "no" }), done);
  });

  it("has the locations of the last acceptance", () => {
    const again = { ...job, outputLocation: "s3://out/results/3.out", attempts: 2 };
    const done = withInvocation(withInvocation(record, planned, accepted(job)), planned, accepted(again));
    assert.deepEqual(entriesOf(done).get("mine")?.job, again);
  });

  it("has each attempt of a redrive, in order", () => {
    const done = withInvocation(withInvocation(record, planned, accepted(job)), planned, accepted(sentAgain));
    assert.deepEqual([...entriesOf(done).keys()], ["mine", "mine.redrive-1"]);
  });
});

describe("the published schema of records", () => {
  const text = readFileSync(join(import.meta.dirname, "..", "job.schema.json"), "utf8");

  it("is that of the code (npm run docs writes it)", () => {
    assert.equal(text, jobSchemaText());
  });

  it("accepts a record, and refuses one without its source", () => {
    const check = new Ajv2020({ strict: true, validateFormats: false }).compile(JSON.parse(text) as object);
    const done = withInvocation(withInvocation(record, planned, accepted(job)), planned, accepted(sentAgain));
    assert.ok(check(JSON.parse(JSON.stringify(done))), JSON.stringify(check.errors));
    assert.ok(!check({ ...done, source: undefined }));
  });
});
