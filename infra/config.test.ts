/** Tests the validation of a stack's config and its messages. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "mocha";
import { ConfigError } from "./config.ts";
import { namespace, stackConfigs } from "./testing/stack-config.ts";

describe("a stack's config", () => {
  const { projectRoot, parse, problems } = stackConfigs();

  it("requires only the artifact; the other defaults are the blog's setup", () => {
    assert.deepEqual(parse(), {
      modelArtifact: join(projectRoot, "model.tar.gz"),
      image: "torchserve",
      instanceType: "ml.g4dn.xlarge",
      minCapacity: 0,
      maxCapacity: 5,
      maxConcurrency: 2,
      backlogTarget: 5,
      scaleInCooldown: 120,
      scaleOutCooldown: 120,
      scaleIn: "idle",
      idleMinutes: 5,
      invocationTimeout: 900,
      maxRequestSize: 1024,
      maxResponseSize: 128,
      sampleFps: 1,
      scoreThreshold: 0.5,
      inputRetentionDays: 14,
      artifactRetentionDays: 30,
      resultRetentionDays: 30,
      logRetentionDays: 30,
      forceDestroy: false,
      protectData: false,
      oldestRequestLimit: 7200,
      failureRateLimit: 0.2,
      failureRateMinRequests: 5,
      notifyRecovery: false,
      operationsEmails: [],
      completionEmails: [],
      subnetIds: [],
      securityGroupIds: [],
      networkIsolation: false,
      s3Endpoint: false,
      bakeTime: 0,
      rollbackAlarms: [],
      sourceBuckets: [],
    });
  });

  it("converts the text that Pulumi passes to the settings' types", () => {
    const config = parse({ sampleFps: "0.5", maxCapacity: "3", forceDestroy: "true", scaleInCooldown: "0" });
    assert.equal(config.sampleFps, 0.5);
    assert.equal(config.maxCapacity, 3);
    assert.equal(config.forceDestroy, true);
    assert.equal(config.scaleInCooldown, 0);
  });

  it("reads lists, which Pulumi passes as JSON", () => {
    const operationsEmails = ["ann@example.com", "bob@example.com"];
    assert.deepEqual(parse({ operationsEmails: JSON.stringify(operationsEmails) }).operationsEmails, operationsEmails);
    const sourceBuckets = [{ bucket: "my-videos", prefix: "clips/" }, { bucket: "archive" }];
    assert.deepEqual(parse({ sourceBuckets: JSON.stringify(sourceBuckets) }).sourceBuckets, sourceBuckets);
    const network = { subnetIds: '["subnet-0a1b"]', securityGroupIds: '["sg-0a1b","sg-2c3d"]' };
    assert.deepEqual(parse(network).securityGroupIds, ["sg-0a1b", "sg-2c3d"]);
  });

  it("accepts a score threshold of 0: every detection", () => {
    assert.equal(parse({ scoreThreshold: "0" }).scoreThreshold, 0);
  });

  describe("with a warm window", () => {
    const window = { days: "MON-FRI", start: "08:00", end: "18:00", timeZone: "Europe/Berlin", instances: 2 };

    it("has the window, which Pulumi passes as JSON", () => {
      assert.deepEqual(parse({ warmWindow: JSON.stringify(window) }).warmWindow, window);
    });

    for (const [what, change] of Object.entries({
      "days that are no days of cron": { days: "Monday" },
      "an invalid time": { start: "24:00" },
      "an end that is not after the start": { end: "08:00" },
      "more than 23 hours": { start: "00:00", end: "23:01" },
      "an unknown time zone": { timeZone: "Europe/Atlantis" },
      "an offset instead of a time zone": { timeZone: "+01:00" },
      "no instance": { instances: 0 },
      "an unknown field": { until: "19:00" },
    })) {
      it(`refuses ${what}`, () => {
        const [problem, ...others] = problems({ warmWindow: JSON.stringify({ ...window, ...change }) });
        assert.deepEqual(others, []);
        assert.match(problem!, /warmWindow is .*, but must be a window \{"days": DAYS_OF_CRON/);
      });
    }

    it("refuses more instances than maxCapacity", () => {
      const [problem, ...others] = problems({ warmWindow: JSON.stringify({ ...window, instances: 6 }) });
      assert.deepEqual(others, []);
      assert.match(problem!, /warmWindow is .*, but must be a window with at most maxCapacity instances/);
    });
  });

  it("ignores other namespaces", () => {
    assert.equal(parse({}, { "aws:region": "eu-west-1", "other:maxCapacity": "none" }).maxCapacity, 5);
  });

  it("accepts a minimum of 1 and a CPU instance: they are valid, and the policies refuse them", () => {
    assert.equal(parse({ minCapacity: "1" }).minCapacity, 1);
    assert.equal(parse({ instanceType: "ml.m5.xlarge" }).instanceType, "ml.m5.xlarge");
  });

  const wrong: [setting: string, value: string | undefined, said: RegExp][] = [
    ["modelArtifact", undefined, /modelArtifact is not set, but must be the path of an existing model\.tar\.gz/],
    ["modelArtifact", "absent.tar.gz", /modelArtifact is "absent\.tar\.gz", but must be the path of an existing/],
    ["modelArtifact", ".", /existing model\.tar\.gz/],
    ["failureRateLimit", "20", /a number from 0 to 1/],
    ["failureRateMinRequests", "0", /a whole number from 1 to 100000/],
    ["notifyRecovery", "yes", /true or false/],
    ["maxConcurrency", "0", /a whole number from 1 to 1000/],
    ["maxConcurrency", "2.5", /a whole number from 1 to 1000/],
    ["maxConcurrency", "two", /maxConcurrency is "two", but must be a whole number/],
    ["maxConcurrency", "", /whole number/],
    ["minCapacity", "-1", /a whole number from 0 to 1000/],
    ["maxCapacity", "0", /a whole number from 1 to 1000/],
    ["minCapacity", "6", /minCapacity is "6", but must be at most maxCapacity/],
    ["backlogTarget", "0", /a number above 0 and at most 1000/],
    ["scaleInCooldown", "-5", /a whole number from 0 to 86400 \(seconds\)/],
    ["scaleIn", "never", /scaleIn is "never", but must be idle or tracking/],
    ["idleMinutes", "0", /a whole number from 1 to 480 \(minutes\)/],
    ["warmWindow", "08:00", /must be a window \{"days": DAYS_OF_CRON, .*Set it: .*warmWindow '\{"days":"MON-FRI",/],
    ["invocationTimeout", "3601", /a whole number from 1 to 3600 \(seconds\)/],
    [
      "requests",
      "inline",
      /requests is "inline", but must be reference or payload\. Set it: .*requests payload --stack/,
    ],
    ["s3Endpoint", "yes", /s3Endpoint is "yes", but must be true or false/],
    ["maxRequestSize", "2048", /a whole number from 1 to 1024 \(MiB\)/],
    ["maxResponseSize", "2048", /a whole number from 1 to 2047 \(MiB\)/],
    ["sampleFps", "0", /a number above 0 and at most 1000 \(frames per second\)/],
    ["scoreThreshold", "1.1", /a number from 0 to 1\./],
    ["instanceType", "g4dn.xlarge", /a SageMaker instance type, ml\.FAMILY\.SIZE/],
    ["image", "pytorch-inference:2.6", /torchserve, ray, or an image in ECR with its tag or digest/],
    ["image", "rayserve", /torchserve, ray, or an image in ECR/],
    ["image", "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference", /an image in ECR with its tag/],
    ["inferenceAmi", "al2-ami", /inferenceAmi is "al2-ami", but must be one of al2-ami-sagemaker-inference-gpu-2, /],
    ["requireGpu", "yes", /requireGpu is "yes", but must be true or false\. Set it: .*requireGpu true --stack/],
    ["forceDestroy", "yes", /forceDestroy is "yes", but must be true or false/],
    ["forceDestroy", "true", /forceDestroy is "true", but must be false if protectData is true/],
    ["logRetentionDays", "31", /logRetentionDays is "31", but must be one of 1, 3, 5, 7, 14, 30, .*, 3653 \(days\)/],
    ["logRetentionDays", "0", /must be one of 1, 3,/],
    ["logRetentionDays", "month", /must be one of 1, 3,/],
    ["oldestRequestLimit", "30", /a whole number from 60 to 21600 \(seconds\)/],
    ["operationsEmails", "ann@example.com", /must be a list of e-mail addresses/],
    ["completionEmails", '["ann","bob"]', /must be a list of e-mail addresses/],
    ["subnetIds", "{}", /must be a list of subnets' ids/],
    ["securityGroupIds", '["sg-0a1b"]', /must be given together with subnetIds, or not at all/],
    ["bakeTime", "-1", /a whole number from 0 to 3600 \(seconds\)/],
    ["rollbackAlarms", '[""]', /must be a list of names of CloudWatch alarms/],
    ["sourceBuckets", '["my-videos"]', /must be a list of source buckets, each \{"bucket": NAME\}/],
    ["sourceBuckets", '[{"prefix":"clips/"}]', /must be a list of source buckets/],
    ["sourceBuckets", '[{"bucket":"my-videos","prefx":"clips/"}]', /must be a list of source buckets/],
    ["sourceBuckets", '[{"bucket":"*"}]', /must be a list of source buckets/],
    ["sourceBuckets", '[{"bucket":"my-videos","prefix":"*/clips/"}]', /must be a list of source buckets/],
    ["sourceBuckets", '[{"bucket":"my-videos","keyArn":"alias/videos"}]', /must be a list of source buckets/],
    ["callerAccountId", "1234", /must be an AWS account's number, twelve digits/],
    ["permissionsBoundary", "boundary", /must be the ARN of an IAM policy/],
    ["maxCapcity", "5", /maxCapcity is not a setting \(there are modelArtifact, .*Remove it: pulumi config rm/],
  ];
  for (const [setting, value, said] of wrong) {
    it(`is refused with ${setting} ${value === undefined ? "missing" : JSON.stringify(value)}, with the valid values and a command`, () => {
      const [problem, ...others] = problems({
        protectData: setting === "forceDestroy" ? "true" : undefined,
        [setting]: value,
      });
      assert.deepEqual(others, []);
      assert.match(problem!, said);
      assert.match(problem!, new RegExp(`pulumi config (set|rm) ${namespace}:${setting} .*--stack prod$`));
    });
  }

  it("leaves machine image and GPU requirement undefined unless they are set, because the endpoint derives them", () => {
    assert.equal(parse().inferenceAmi, undefined);
    assert.equal(parse().requireGpu, undefined);
    const chosen = parse({ inferenceAmi: "al2023-ami-sagemaker-inference-gpu-4-1", requireGpu: "false" });
    assert.equal(chosen.inferenceAmi, "al2023-ami-sagemaker-inference-gpu-4-1");
    assert.equal(chosen.requireGpu, false);
  });

  it("refuses a machine image for other accelerators than the instance type's", () => {
    const neuron = "al2-ami-sagemaker-inference-neuron-2";
    assert.deepEqual(problems({ instanceType: "ml.inf2.xlarge", inferenceAmi: neuron }), []);
    for (const wrong of [
      { instanceType: "ml.g5.xlarge", inferenceAmi: neuron },
      { instanceType: "ml.c7i.xlarge", inferenceAmi: "al2-ami-sagemaker-inference-gpu-3-1" },
    ]) {
      const [problem = "", ...others] = problems(wrong);
      assert.deepEqual(others, []);
      assert.match(problem, /inferenceAmi is .*, but must be an image for the instance type: -gpu- for types with/);
    }
  });

  it("refuses requireGpu for an instance type without a GPU", () => {
    assert.deepEqual(problems({ instanceType: "ml.c7i.xlarge", requireGpu: "false" }), []);
    assert.deepEqual(problems({ instanceType: "ml.g5.xlarge", requireGpu: "true" }), []);
    const [problem = "", ...others] = problems({ instanceType: "ml.c7i.xlarge", requireGpu: "true" });
    assert.deepEqual(others, []);
    assert.match(
      problem,
      /requireGpu is "true", but must be false if the instance type has no NVIDIA GPU\. Set it: .*requireGpu false --stack/,
    );
  });

  it("lists every problem at once: contradictions between valid values, invalid values and unknown keys", () => {
    const listed = problems({
      modelArtifact: undefined,
      minCapacity: "4",
      maxCapacity: "3",
      maxConcurrency: "0",
      sampleFps: "fast",
      colour: "red",
      shape: "round",
    });
    const keys = listed.map((line) => /async-video-inference:(\w+)/.exec(line)?.[1]);
    assert.deepEqual(keys.toSorted(), [
      "colour",
      "maxConcurrency",
      "minCapacity",
      "modelArtifact",
      "sampleFps",
      "shape",
    ]);
  });

  for (const stack of ["prod", "pr-12345678901234567", "a", "a-"]) {
    it(`is accepted for a stack named ${stack}`, () => {
      assert.equal(parse({}, {}, stack).maxCapacity, 5);
    });
  }

  for (const stack of ["Prod", "my_stack", "my.stack", "1st", "-dev", "", "pr-123456789012345678"]) {
    it(`is refused for a stack named ${JSON.stringify(stack)}, before other problems, with the command that renames it`, () => {
      const message =
        `The stack's name is "${stack}", but must have 1 to 20 lowercase letters, digits and hyphens, and start with a letter. ` +
        `Rename the stack: pulumi stack rename NEW_NAME --stack ${stack}`;
      const problem = (error: unknown) => error instanceof ConfigError && error.message.includes(`\n  - ${message}`);
      assert.throws(() => parse({}, {}, stack), problem);
      assert.throws(
        () => parse({ maxCapacity: "0" }, {}, stack),
        (error) => problem(error) && String(error).includes(":maxCapacity is"),
      );
    });
  }

  it("accepts a key's ARN, in the stack's region if the config contains it", () => {
    const key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    for (const others of [{}, { "aws:region": "eu-west-1" }]) {
      assert.equal(parse({ encryptionKeyArn: key }, others).encryptionKeyArn, key);
    }
    const multiRegion = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab";
    assert.equal(parse({ encryptionKeyArn: multiRegion }).encryptionKeyArn, multiRegion);
    assert.throws(
      () => parse({ encryptionKeyArn: key }, { "aws:region": "us-east-1" }),
      /encryptionKeyArn is "arn:.*", but must be the ARN of a KMS key in us-east-1, the stack's region; .* Set it: pulumi config set async-video-inference:encryptionKeyArn arn:aws:kms:us-east-1:\S+ --stack prod$/,
    );
  });

  for (const [what, arn] of Object.entries({
    "an alias's ARN": "arn:aws:kms:eu-west-1:123456789012:alias/videos",
    "an alias": "alias/videos",
    "a key's id": "1234abcd-12ab-34cd-56ef-1234567890ab",
    "another service's ARN": "arn:aws:s3:::videos",
    "a pattern": "arn:aws:kms:eu-west-1:123456789012:key/*",
  })) {
    it(`refuses ${what} as the key`, () => {
      const [problem, ...others] = problems({ encryptionKeyArn: arn });
      assert.deepEqual(others, []);
      assert.match(problem!, /encryptionKeyArn is .*must be the ARN of a KMS key; the ARN of an alias is not accepted/);
    });
  }

  it("is fixed by the commands in its message", () => {
    const changes: Record<string, string | undefined> = {
      maxConcurrency: "0",
      sampleFps: "x",
      minCapacity: "9",
      colour: "red",
    };
    for (const problem of problems(changes)) {
      const [, command, key, value] = /pulumi config (set|rm) [^:]+:(\w+)(?: (\S+))? --stack/.exec(problem) ?? [];
      assert.ok(key !== undefined);
      changes[key] = command === "rm" ? undefined : value;
    }
    assert.deepEqual(problems(changes), []);
  });
});
