/** Tests the common contract of all types of resources, for each row. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { startTestAws } from "../testing/test-aws.ts";
import { toText } from "./mapping.ts";
import { findType, tokens } from "./registry.ts";
import { miniStackExamples } from "./testing/examples.ts";
import type { Example } from "./testing/examples.ts";
import { startFakeAws } from "./testing/fake-aws.ts";
import type { Answers } from "./testing/fake-aws.ts";
import { fakeAlarms, fakeDashboards } from "./testing/fake-cloudwatch.ts";
import { FakeSageMaker } from "./testing/fake-sagemaker.ts";
import { fakeScaling } from "./testing/fake-scaling.ts";
import { alarmExamples, dashboardExamples, sageMakerExamples, scalingExamples } from "./testing/service-examples.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import type { Values } from "./values.ts";

interface TestedAws {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** A fake AWS that serves some types, and their examples. */
interface Group {
  readonly name: string;
  readonly examples: Readonly<Record<string, Example>>;
  readonly start: () => Promise<TestedAws>;
}

const fake = (name: string, examples: Group["examples"], answers: () => Answers): Group => ({
  name,
  examples,
  start: () => startFakeAws(answers()),
});

const groups: readonly Group[] = [
  {
    name: "MiniStack",
    examples: miniStackExamples,
    start: async () => {
      const aws = await startTestAws();
      return { endpoint: aws.url, stop: () => aws.stop() };
    },
  },
  fake("SageMaker", sageMakerExamples, () => new FakeSageMaker().answers),
  fake("Application Auto Scaling", scalingExamples, fakeScaling),
  fake("CloudWatch's alarms", alarmExamples, fakeAlarms),
  fake("CloudWatch's dashboards", dashboardExamples, fakeDashboards),
];

const made = ["region", "tags", "tagsAll"];

describe("every type of resource", () => {
  it("has an example, and a change of each of its properties", () => {
    const examples = Object.fromEntries(groups.flatMap((group) => Object.entries(group.examples)));
    assert.deepEqual(Object.keys(examples).sort(), tokens);
    for (const [token, { updates, replaces, refused }] of Object.entries(examples)) {
      const changed = { ...updates, ...replaces, ...refused };
      const missing = Object.keys(findType(token)?.fields ?? {}).filter(
        (name) => !made.includes(name) && !(name in changed),
      );
      assert.deepEqual(missing, unchanged[token] ?? [], token);
    }
  });

  for (const { name: groupName, examples, start } of groups) {
    describe(`of ${groupName}`, () => {
      let aws: TestedAws;
      let provider: TestProvider;

      before(async () => {
        aws = await start();
        provider = await startTestProvider(aws.endpoint);
        await provider.configure({ defaultTags: '{"tags":{"Project":"video"}}' });
      });

      after(async () => {
        await provider.stop();
        await aws.stop();
      });

      for (const [token, { inputs, prepare, updates, replaces, ...more }] of Object.entries(examples)) {
        it(`${token} is created, settles, is updated or replaced for each property, and is deleted`, async () => {
          const fields = findType(token)?.fields ?? {};
          const resource = provider.resource(token, "thing");
          let wanted: Values = { ...inputs, ...(await prepare?.(provider)) };
          await resource.create(wanted);
          await resource.assertSettled(wanted);

          for (const [property, value] of Object.entries(updates)) {
            wanted = { ...wanted, [property]: value };
            const diff = await resource.diff(wanted);
            assert.deepEqual([diff.changes, diff.replaces], [[property], []], property);
            await resource.update(wanted);
            await resource.assertSettled(wanted);
            assert.deepEqual((await resource.diff({ ...wanted, [property]: inputs[property] ?? null })).replaces, []);
          }
          for (const [property, [value, operation]] of Object.entries(more.refused ?? {})) {
            const before = { inputs: resource.inputs, state: resource.state };
            await assert.rejects(resource.update({ ...wanted, [property]: value }), new RegExp(operation));
            Object.assign(resource, before);
          }
          if ("tags" in fields && more.refused?.["tags"] === undefined) {
            wanted = { ...wanted, tags: { stage: "one" } };
            assert.deepEqual((await resource.diff(wanted)).replaces, []);
            await resource.update(wanted);
            await resource.assertSettled(wanted);
            assert.deepEqual(resource.state["tagsAll"], { Project: "video", stage: "one" });
          }
          const elsewhere: Values = "region" in fields ? { region: "eu-west-1" } : {};
          for (const [property, value] of Object.entries({ ...replaces, ...elsewhere })) {
            const diff = await resource.diff({ ...wanted, [property]: value });
            assert.ok(diff.replaces.includes(property), property);
          }

          const next = provider.resource(token, "next");
          await next.create({ ...inputs, ...(await prepare?.(provider)), ...more.replacement });
          await resource.delete();
          if (more.remains === undefined) assert.equal(await resource.read(), undefined);
          else assert.match(JSON.stringify((await resource.read())?.state), more.remains);
          await resource.delete();
          assert.notEqual(await next.read(), undefined);
          await next.delete();
          if (more.remains === undefined) return;
          const missing = provider.resource(token, "missing");
          assert.equal(await missing.import(toText(Object.values(replaces)[0])), undefined);
        });
      }
    });
  }
});

/**
 * Properties that are not changed here: the value needs more than one property (files, keys, metrics),
 * which the tests of the types cover; or MiniStack always answers the default.
 */
const unchanged: Readonly<Record<string, readonly string[]>> = {
  "aws:cloudwatch/metricAlarm:MetricAlarm": ["metricQueries"],
  "aws:kms/alias:Alias": ["targetKeyId"],
  "aws:s3/bucketObjectv2:BucketObjectv2": ["source"],
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ["transitionDefaultMinimumObjectSize"],
};
