/** Tests the program as a whole for every stack: its registrations, the order in which a destroy deletes them, and its outputs. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { endpointNameOf } from "./endpoint-name.ts";
import { accountId, region, registrationsOf } from "./testing/registrations.ts";
import type { Registration, Registrations } from "./testing/registrations.ts";
import { stackConfig, stacks } from "./testing/stacks.ts";

/** Imports index.ts anew: Node evaluates a module once for each URL. */
let imports = 0;
function program(): Promise<unknown> {
  imports += 1;
  return import(`./index.ts?run=${imports}`);
}

/** Resources with data: the two buckets and the key that encrypts them. */
const dataTypes = ["aws:kms/key:Key", "aws:s3/bucket:Bucket"];

/** Types whose names the program sets, because one name follows from the other before either exists. */
const named = ["aws:sagemaker/endpoint:Endpoint", "aws:cloudwatch/logGroup:LogGroup"];

/** The endpoint's name as the pipeline and the doctor compute it. */
const endpointName = (stack: string): string =>
  endpointNameOf({ accountId, region, project: "async-video-inference", stack, rollbackAlarms: [] });

describe("the program", () => {
  let folder: string;
  let artifact: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "infra-"));
    artifact = join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
  });

  after(() => rm(folder, { recursive: true }));

  for (const stack of stacks) {
    describe(`as the stack ${stack}`, () => {
      let registrations: Registrations;
      let outputs: Readonly<Record<string, unknown>>;

      before(async () => {
        ({ registrations, outputs } = await registrationsOf(program, { stack, config: stackConfig(stack, artifact) }));
      });

      /** Returns all direct and indirect dependencies of a registration. */
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
          "AccessPolicies",
          "AsyncEndpoint",
          "CompletionTopics",
          "EncryptionKey",
          "ModelArtifact",
          "Monitoring",
          "ScaleToZero",
          "VideoStorage",
        ]);
        for (const { type, name, parent } of registrations.all.filter((each) => each.type.startsWith("aws:"))) {
          const component = registrations.at(parent);
          assert.ok(component.type.startsWith("asyncvideo:index:"), `${type} ${name} has the parent ${component.type}`);
          assert.ok(name.startsWith(component.name), `${type} ${name} in ${component.name}`);
        }
      });

      it("is destroyed in the order that AWS requires: policies and alarm, target, endpoint, config, model, role policy, key", () => {
        const order = [
          registrations.one("aws:cloudwatch/metricAlarm:MetricAlarm", `video-${stack}-from-zero`),
          ...[
            "aws:appautoscaling/target:Target",
            "aws:sagemaker/endpoint:Endpoint",
            "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
            "aws:sagemaker/model:Model",
            "aws:iam/rolePolicy:RolePolicy",
            "aws:kms/key:Key",
          ].map((type) => registrations.one(type)),
        ];
        for (const [index, later] of order.slice(1).entries()) {
          const earlier = order[index]!;
          assert.ok(ancestry(earlier).has(later.urn), `${earlier.type} must be deleted before ${later.type}`);
        }
        const logGroup = registrations.one("aws:cloudwatch/logGroup:LogGroup");
        assert.ok(ancestry(registrations.one("aws:sagemaker/endpoint:Endpoint")).has(logGroup.urn));
        const target = registrations.one("aws:appautoscaling/target:Target");
        for (const policy of registrations.ofType("aws:appautoscaling/policy:Policy")) {
          assert.ok(ancestry(policy).has(target.urn));
        }
      });

      it("sets deleteBeforeReplace for no AWS resource", () => {
        const asking = registrations.all.filter(({ deleteBeforeReplace }) => deleteBeforeReplace === true);
        assert.deepEqual(
          asking.map(({ type }) => type),
          ["pulumi:index:Stash"],
        );
      });

      it("leaves names to Pulumi, so that stacks never collide and immutable resources can be replaced", () => {
        for (const { type, name, inputs } of registrations.all.filter((each) => each.type.startsWith("aws:"))) {
          assert.equal(inputs["namePrefix"], undefined, `${type} ${name}`);
          if (!named.includes(type)) assert.equal(inputs["name"], undefined, `${type} ${name}`);
        }
        for (const { inputs } of registrations.ofType("aws:s3/bucket:Bucket")) {
          assert.equal(inputs["bucket"], undefined);
        }
        // Stacks do not collide here either, and the endpoint is replaced only under another name.
        assert.equal(outputs["endpointName"], endpointName(stack));
        assert.equal(registrations.one(named[1]!).inputs["name"], `/aws/sagemaker/Endpoints/${endpointName(stack)}`);
        // The only type without generated names uses the endpoint's name.
        const { dashboardName } = registrations.one("aws:cloudwatch/dashboard:Dashboard").inputs;
        assert.equal(dashboardName, outputs["endpointName"]);
      });

      it("scales to zero, when nothing is queued or running", () => {
        assert.equal(registrations.one("aws:appautoscaling/target:Target").inputs["minCapacity"], 0);
        const toZero = registrations.one("aws:appautoscaling/policy:Policy", `video-${stack}-to-zero`);
        assert.partialDeepStrictEqual(toZero.inputs["stepScalingPolicyConfiguration"], {
          adjustmentType: "ExactCapacity",
          stepAdjustments: [{ scalingAdjustment: 0 }],
        });
      });

      it("encrypts everything that supports a key with the stack's key", () => {
        const { urn } = registrations.one("aws:kms/key:Key");
        for (const [type, input] of [
          ["aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "rules"],
          ["aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"],
          ["aws:sns/topic:Topic", "kmsMasterKeyId"],
          ["aws:sqs/queue:Queue", "kmsMasterKeyId"],
          ["aws:sagemaker/endpointConfiguration:EndpointConfiguration", "asyncInferenceConfig"],
        ] as const) {
          for (const { name, propertyDependencies } of registrations.ofType(type)) {
            assert.ok(propertyDependencies[input]?.includes(urn), `${type} ${name}`);
          }
        }
      });

      it("has the outputs of the contract, and no AWS endpoint URL on AWS", () => {
        const { awsEndpointUrl, ...always } = outputs;
        const prefix = `video-${stack}`;
        assert.equal(awsEndpointUrl, process.env["AWS_ENDPOINT_URL"]);
        assert.deepEqual(always, {
          endpointName: endpointName(stack),
          variantName: "AllTraffic",
          region: "eu-west-1",
          inputBucket: `${prefix}-input-0a1b2c3`,
          inputPrefix: "input/",
          sourceLocations: [],
          endpointConfigName: `${prefix}-config-0a1b2c3`,
          modelLocation: `s3://${prefix}-input-0a1b2c3/models`,
          artifactRetentionDays: 30,
          outputLocation: `s3://${prefix}-output-0a1b2c3/results`,
          failureLocation: `s3://${prefix}-output-0a1b2c3/failures`,
          jobsLocation: `s3://${prefix}-output-0a1b2c3/jobs`,
          successTopicArn: `arn:aws:sns:eu-west-1:123456789012:${prefix}-success-0a1b2c3`,
          errorTopicArn: `arn:aws:sns:eu-west-1:123456789012:${prefix}-error-0a1b2c3`,
          successQueueUrl: `https://sqs.eu-west-1.amazonaws.com/123456789012/${prefix}-success-0a1b2c3`,
          errorQueueUrl: `https://sqs.eu-west-1.amazonaws.com/123456789012/${prefix}-error-0a1b2c3`,
          operationsTopicArn: `arn:aws:sns:eu-west-1:123456789012:${prefix}-operations-0a1b2c3`,
          dashboardUrl: `https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/${endpointName(stack)}`,
          callerPolicyArn: `arn:aws:iam:eu-west-1:123456789012:${prefix}-caller-0a1b2c3`,
          operatorPolicyArn: `arn:aws:iam:eu-west-1:123456789012:${prefix}-operator-0a1b2c3`,
          temporaryQueuePrefix: `${prefix}-smoke-`,
          maxConcurrency: stack === "local" ? 1 : 2,
          instanceType: "ml.g4dn.xlarge",
          maxCapacity: stack === "prod" ? 5 : 2,
          maxResponseSize: stack === "local" ? 32 : 128,
          requireGpu: stack !== "local",
          requests: "reference",
          maxRequestSize: stack === "local" ? 128 : 1024,
          maxInputSize: 51_200_000,
          invocationTimeout: 900,
          sampleFps: 1,
        });
      });
    });
  }

  it("deletes the buckets' content only on local and dev, and protects prod's buckets and key", async () => {
    for (const stack of stacks) {
      const { registrations } = await registrationsOf(program, { stack, config: stackConfig(stack, artifact) });
      const isProd = stack === "prod";
      for (const { inputs } of registrations.ofType("aws:s3/bucket:Bucket")) {
        assert.equal(inputs["forceDestroy"], !isProd, stack);
      }
      const data = registrations.all.filter(({ type }) => dataTypes.includes(type));
      assert.equal(data.length, 3);
      for (const { name, protect } of data) assert.equal(protect, isProd, `${stack} ${name}`);
    }
  });

  it("is the blog's setup as the stack prod", async () => {
    const { registrations } = await registrationsOf(program, { stack: "prod", config: stackConfig("prod", artifact) });
    const tracking = registrations.one("aws:appautoscaling/policy:Policy", "video-prod-backlog").inputs;
    assert.partialDeepStrictEqual(tracking["targetTrackingScalingPolicyConfiguration"], {
      targetValue: 5,
      scaleInCooldown: 120,
      scaleOutCooldown: 120,
    });
  });

  describe("when an input changes", () => {
    let registrations: Registrations;
    let config: Record<string, string>;

    before(async () => {
      config = stackConfig("prod", artifact);
      ({ registrations } = await registrationsOf(program, { stack: "prod", config }));
    });

    /** Returns the AWS resources whose inputs differ with this config. */
    async function changedBy(changes: Record<string, string>): Promise<string[]> {
      const own = Object.entries(changes).map(([key, value]) => [`async-video-inference:${key}`, value] as const);
      const changed = await registrationsOf(program, {
        stack: "prod",
        config: { ...config, ...Object.fromEntries(own) },
      });
      const before = inputsByUrn(registrations);
      return [...inputsByUrn(changed.registrations)]
        .filter(([urn, inputs]) => before.get(urn) !== inputs && urn.includes("$aws:"))
        .map(([urn]) => urn.split("$")[1]!.replace(/^aws:\w+\/\w+:/, ""))
        .sort();
    }

    it("registers the same resources for the same input", async () => {
      assert.deepEqual(await changedBy({}), []);
    });

    it("has a new object, and so a new model, for another artifact", async () => {
      const other = join(folder, "other.tar.gz");
      await writeFile(other, "other weights");
      assert.deepEqual(await changedBy({ modelArtifact: other }), [
        "BucketObjectv2::video-prod-model",
        "Model::video-prod-model",
      ]);
    });

    it("has a new model for another image or environment", async () => {
      assert.deepEqual(await changedBy({ sampleFps: "2" }), ["Model::video-prod-model"]);
      const image = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.5.1-gpu-py311-cu124";
      assert.deepEqual(await changedBy({ image }), ["Model::video-prod-model"]);
    });

    it("has a new configuration, too, for an image that needs another driver", async () => {
      const image = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.9.0-gpu-py312-cu130";
      assert.deepEqual(await changedBy({ image }), [
        "EndpointConfiguration::video-prod-config",
        "Model::video-prod-model",
      ]);
    });

    it("has only a new configuration for another instance type", async () => {
      assert.deepEqual(await changedBy({ instanceType: "ml.g5.xlarge" }), ["EndpointConfiguration::video-prod-config"]);
    });

    it("keeps model and configuration for another scaling", async () => {
      assert.deepEqual(await changedBy({ maxCapacity: "4" }), [
        "Dashboard::video-prod",
        "Policy::video-prod-from-zero",
        "Target::video-prod",
      ]);
      assert.deepEqual(await changedBy({ backlogTarget: "3" }), [
        "Policy::video-prod-backlog",
        "Policy::video-prod-from-zero",
      ]);
    });
  });

  it("sets a permissions boundary on every role if the account requires it", async () => {
    const boundary = "arn:aws:iam::123456789012:policy/boundary";
    const config = {
      ...stackConfig("prod", artifact),
      "async-video-inference:permissionsBoundary": boundary,
      "async-video-inference:callerAccountId": "210987654321",
    };
    const { registrations } = await registrationsOf(program, { stack: "prod", config });
    const roles = registrations.ofType("aws:iam/role:Role");
    assert.equal(roles.length, 2);
    for (const { inputs, name } of roles) assert.equal(inputs["permissionsBoundary"], boundary, name);
  });

  it("encrypts everything that supports a key with a given one, and then creates no key and no alias", async () => {
    const given = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const config = stackConfig("prod", artifact);
    const withOwn = await registrationsOf(program, { stack: "prod", config });
    const withGiven = await registrationsOf(program, {
      stack: "prod",
      config: { ...config, "async-video-inference:encryptionKeyArn": given },
    });
    const { name: ownName } = withOwn.registrations.one("aws:kms/key:Key");
    const own = `arn:aws:kms:${region}:${accountId}:${ownName}-0a1b2c3`;
    const others = [...inputsByUrn(withOwn.registrations)].filter(([urn]) => !urn.includes(":EncryptionKey"));
    assert.ok(others.filter(([, inputs]) => inputs.includes(own)).length > 10);
    assert.deepEqual(
      [...inputsByUrn(withGiven.registrations)],
      others.map(([urn, inputs]) => [urn, inputs.replaceAll(own, given)]),
    );
    assert.deepEqual(withGiven.outputs, withOwn.outputs);
  });

  it("stops before it registers anything if the config is invalid", async () => {
    const wrong = { ...stackConfig("prod", artifact), "async-video-inference:maxConcurrency": "0" };
    await assert.rejects(registrationsOf(program, { config: wrong }), /async-video-inference:maxConcurrency is "0"/);
  });
});

/** Returns JSON text, in which an asset, whose path is a promise, is reduced to its type. */
function inputsByUrn({ all }: Registrations): Map<string, string> {
  const sorted = all.toSorted((left, right) => (left.urn < right.urn ? -1 : 1));
  return new Map(sorted.map(({ urn, inputs }) => [urn, JSON.stringify(inputs)]));
}
