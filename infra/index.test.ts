/** The program as a whole: what it registers, in which order it would be destroyed, and what it tells its users. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Registration, type Registrations, registrationsOf } from "./testing/registrations.ts";

/** Imports index.ts anew: a module runs once for each address. */
let imports = 0;
function program(): Promise<unknown> {
  imports += 1;
  return import(`./index.ts?run=${imports}`);
}

describe("the program", () => {
  let folder: string;
  let config: Record<string, string>;
  let registrations: Registrations;
  let outputs: Readonly<Record<string, unknown>>;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "infra-"));
    const artifact = path.join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
    config = { "async-video-inference:modelArtifact": artifact };
    ({ registrations, outputs } = await registrationsOf(program, { config }));
  });

  after(() => rm(folder, { recursive: true }));

  /** All that a registration depends on, directly or not; a component stands for its children. */
  function ancestry(registration: Registration): Set<string> {
    const seen = new Set<string>();
    const visit = (urn: string) => {
      if (seen.has(urn)) return;
      seen.add(urn);
      registrations.at(urn).dependencies.forEach(visit);
    };
    registration.dependencies.forEach(visit);
    return seen;
  }

  it("gives every component a child and every child the component's name", () => {
    const components = registrations.all.filter(({ type }) => type.startsWith("asyncvideo:index:"));
    assert.deepEqual(components.map(({ type }) => type.split(":")[2]).sort(), [
      "AsyncEndpoint",
      "CompletionTopics",
      "ModelArtifact",
      "ScaleToZero",
      "VideoStorage",
    ]);
    for (const { type, name, parent } of registrations.all.filter((each) => each.type.startsWith("aws:"))) {
      const component = registrations.at(parent);
      assert.ok(component.type.startsWith("asyncvideo:index:"), `${type} ${name} has the parent ${component.type}`);
      assert.ok(name.startsWith(component.name), `${type} ${name} in ${component.name}`);
    }
  });

  it("is destroyed in the order that AWS wants: policies and alarm, target, endpoint, config, model, role policy", () => {
    const order = [
      "aws:cloudwatch/metricAlarm:MetricAlarm",
      "aws:appautoscaling/target:Target",
      "aws:sagemaker/endpoint:Endpoint",
      "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
      "aws:sagemaker/model:Model",
      "aws:iam/rolePolicy:RolePolicy",
    ].map((type) => registrations.one(type));
    for (const [index, later] of order.slice(1).entries()) {
      const earlier = order[index]!;
      assert.ok(ancestry(earlier).has(later.urn), `${earlier.type} goes before ${later.type}`);
    }
    const target = registrations.one("aws:appautoscaling/target:Target");
    for (const policy of registrations.ofType("aws:appautoscaling/policy:Policy")) {
      assert.ok(ancestry(policy).has(target.urn));
    }
  });

  it("never asks for deletion before replacement", () => {
    assert.deepEqual(
      registrations.all.filter(({ deleteBeforeReplace }) => deleteBeforeReplace !== undefined),
      [],
    );
  });

  it("leaves every name to Pulumi, so that stacks never collide and immutable resources can be replaced", () => {
    for (const { type, name, inputs } of registrations.all.filter((each) => each.type.startsWith("aws:"))) {
      assert.equal(inputs["name"], undefined, `${type} ${name}`);
      assert.equal(inputs["namePrefix"], undefined, `${type} ${name}`);
    }
    for (const { inputs } of registrations.ofType("aws:s3/bucket:Bucket")) assert.equal(inputs["bucket"], undefined);
  });

  it("has the outputs of the contract, and no AWS endpoint of its own on AWS", () => {
    const { awsEndpointUrl, ...always } = outputs;
    assert.equal(awsEndpointUrl, process.env["AWS_ENDPOINT_URL"]);
    assert.deepEqual(always, {
      endpointName: "video-endpoint-0a1b2c3",
      variantName: "AllTraffic",
      region: "eu-west-1",
      inputBucket: "video-input-0a1b2c3",
      inputPrefix: "input/",
      outputLocation: "s3://video-output-0a1b2c3/results",
      failureLocation: "s3://video-output-0a1b2c3/failures",
      successTopicArn: "arn:aws:sns:eu-west-1:123456789012:video-success-0a1b2c3",
      errorTopicArn: "arn:aws:sns:eu-west-1:123456789012:video-error-0a1b2c3",
      successQueueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/video-success-0a1b2c3",
      errorQueueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/video-error-0a1b2c3",
      maxConcurrency: 2,
      instanceType: "ml.g4dn.xlarge",
      maxCapacity: 5,
    });
  });

  it("has a new object, and so a new model, for another artifact, and the same ones for the same", async () => {
    const again = await registrationsOf(program, { config });
    assert.deepEqual(inputsByUrn(again.registrations), inputsByUrn(registrations));

    const other = path.join(folder, "other.tar.gz");
    await writeFile(other, "other weights");
    const changed = await registrationsOf(program, { config: { "async-video-inference:modelArtifact": other } });
    const before = inputsByUrn(registrations);
    assert.deepEqual(
      [...inputsByUrn(changed.registrations)]
        .filter(([urn, inputs]) => before.get(urn) !== inputs)
        .map(([urn]) => urn.split("::").slice(-2).join(" "))
        .sort(),
      [
        "asyncvideo:index:AsyncEndpoint$aws:sagemaker/model:Model video-model",
        "asyncvideo:index:ModelArtifact$aws:s3/bucketObjectv2:BucketObjectv2 video-model",
      ],
    );
  });

  it("stops before it registers anything when the config is wrong", async () => {
    const wrong = { ...config, "async-video-inference:maxConcurrency": "0" };
    await assert.rejects(registrationsOf(program, { config: wrong }), /async-video-inference:maxConcurrency is "0"/);
  });
});

/** As text, in which an asset, whose path is a promise, is no more than an asset. */
function inputsByUrn({ all }: Registrations): Map<string, string> {
  const sorted = all.toSorted((left, right) => (left.urn < right.urn ? -1 : 1));
  return new Map(sorted.map(({ urn, inputs }) => [urn, JSON.stringify(inputs)]));
}
