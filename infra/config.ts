/** Reads and validates a stack's config. Returns typed settings, or throws one error that lists every problem. */
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { defaults } from "./defaults.ts";
import { fits, hasGpu, imageAddress, machineImages, sampleAddress } from "./serving-image.ts";
import { allowedSourcesRule, fitAllowedSources, requestModeOf, requestSettings } from "./request-settings.ts";
import { scalingSettings } from "./scaling-settings.ts";
import { fraction, kmsKeyArn, list, oneOf, positiveNumber, settings, wholeNumber } from "./setting-types.ts";
import { sourceBucket } from "./source-buckets.ts";
import { allowedStackName, stackName } from "./stack-name.ts";

const instanceType = z
  .string()
  .regex(/^ml\.[a-z0-9-]+\.[a-z0-9-]+$/)
  .default(defaults.instanceType)
  .register(settings, { allowed: "a SageMaker instance type, ml.FAMILY.SIZE", example: defaults.instanceType });

const image = z
  .union([z.enum(["torchserve", "ray"]), z.string().regex(imageAddress)])
  .default(defaults.image)
  .register(settings, {
    allowed:
      "torchserve, ray, or an image in ECR with its tag or digest: ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG",
    example: sampleAddress,
  });

const truth = z.enum(["true", "false"]).transform((text) => text === "true");

function trueOrFalse(defaultValue: boolean) {
  return truth.default(defaultValue).register(settings, { allowed: "true or false", example: defaultValue });
}

const requireGpu = truth.optional().register(settings, { allowed: "true or false", example: true });

const inferenceAmi = z
  .enum(machineImages)
  .optional()
  .register(settings, { allowed: `one of ${machineImages.join(", ")}`, example: machineImages[2] });

const emails = list(z.string().regex(/^[^\s@]+@[^\s@]+$/), "e-mail addresses", "ops@example.com");

const otherAccount = z
  .string()
  .regex(/^\d{12}$/)
  .optional()
  .register(settings, { allowed: "an AWS account's number, twelve digits", example: "123456789012" });

const policyArn = z
  .string()
  .regex(/^arn:[a-z-]+:iam::\d{12}:policy\/[\w+=,.@/-]+$/)
  .optional()
  .register(settings, {
    allowed: "the ARN of an IAM policy",
    example: "arn:aws:iam::123456789012:policy/boundary",
  });

/** @param region the stack's region, if its config contains it: a key of another region cannot encrypt the stack's data */
function keyArn(region: string | undefined) {
  const allowed = `the ARN of a KMS key${region === undefined ? "" : ` in ${region}, the stack's region`}; the ARN of an alias is not accepted`;
  return z
    .string()
    .regex(kmsKeyArn)
    .refine((arn) => region === undefined || arn.split(":")[3] === region, allowed)
    .optional()
    .register(settings, {
      allowed,
      example: `arn:aws:kms:${region ?? "us-east-1"}:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
    });
}

function artifact(projectRoot: string) {
  return z
    .string()
    .min(1)
    .transform((relative) => resolve(projectRoot, relative))
    .refine((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .register(settings, {
      allowed: "the path of an existing model.tar.gz, relative to the project's folder",
      example: "model/dist/model.tar.gz",
    });
}

/** MiB. TorchServe parses its size limits, in bytes, into a Java int: the maximum is one MiB less than 2 GiB. */
const maxSize = 2047;
/** Seconds. SageMaker drops a request that has waited longer (RequestTTLSeconds). */
const maxTtl = 21_600;
/** Days. S3's lifecycle rules allow more; beyond ten years is probably a typing error. */
const maxRetention = 3650;

/** Days that CloudWatch can retain a log (CloudWatch Logs API reference, PutRetentionPolicy). */
const logRetentions = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545],
  ...[731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
];

function schema(projectRoot: string, region?: string) {
  return z
    .strictObject({
      modelArtifact: artifact(projectRoot).describe(
        "Path of the model artifact that `model/package.py` builds, relative to the project's folder.",
      ),
      image: image.describe(
        "Serving image: `torchserve` or `ray` for AWS's images, or the address of your own. If its repository is named ray, the server is Ray Serve, otherwise TorchServe.",
      ),
      instanceType: instanceType.describe("Instance type of the endpoint. The policy pack requires a GPU."),
      inferenceAmi: inferenceAmi.describe(
        "Machine image of the instances, which determines the NVIDIA driver. By default: `al2-ami-sagemaker-inference-gpu-3-1` for AWS's images on GPU types; for your own image, the one for the CUDA version in its tag (`cu12x`, `cu13x`), otherwise SageMaker's choice.",
      ),
      requireGpu: requireGpu.describe(
        "Fail to start if CUDA cannot use a GPU, instead of running on the CPU. By default: true on GPU types. The policy pack refuses false except on `local`.",
      ),
      maxConcurrency: wholeNumber(1, 1000, defaults.maxConcurrency).describe(
        "Number of videos that an instance processes concurrently, one per worker of the model server.",
      ),
      ...scalingSettings,
      invocationTimeout: wholeNumber(1, 3600, defaults.invocationTimeout, " (seconds)").describe(
        "Maximum processing time of one video.",
      ),
      ...requestSettings,
      maxRequestSize: wholeNumber(1, 1024, defaults.maxRequestSize, " (MiB)").describe(
        "Maximum size of a request's body: of a video with `requests: payload`.",
      ),
      maxResponseSize: wholeNumber(1, maxSize, defaults.maxResponseSize, " (MiB)").describe("Maximum result size."),
      sampleFps: positiveNumber(1000, defaults.sampleFps, " (frames per second)").describe(
        "Frame rate at which the model samples a video.",
      ),
      scoreThreshold: fraction(defaults.scoreThreshold).describe("Minimum score of the detections in a result."),
      inputRetentionDays: wholeNumber(1, maxRetention, defaults.inputRetentionDays, " (days)").describe(
        "Retention of videos; 1 means up to 2 days. S3 deletes at the following midnight (UTC).",
      ),
      resultRetentionDays: wholeNumber(1, maxRetention, defaults.resultRetentionDays, " (days)").describe(
        "Retention of results and failures. S3 deletes at the following midnight (UTC). Job records stay one day longer.",
      ),
      artifactRetentionDays: wholeNumber(1, maxRetention, defaults.artifactRetentionDays, " (days)").describe(
        "Retention of model artifacts that no model uses. The pipeline then deletes them, except the newest two.",
      ),
      logRetentionDays: oneOf(logRetentions, defaults.logRetentionDays, " (days)").describe(
        "Retention of the endpoint's container log in CloudWatch.",
      ),
      forceDestroy: trueOrFalse(defaults.forceDestroy).describe(
        "Delete the buckets with their content when the stack is destroyed.",
      ),
      protectData: trueOrFalse(defaults.protectData).describe(
        "Protect the buckets and the key from deletion by Pulumi.",
      ),
      oldestRequestLimit: wholeNumber(60, maxTtl, defaults.oldestRequestLimit, " (seconds)").describe(
        "Waiting time of a video above which an alarm fires.",
      ),
      failureRateLimit: fraction(defaults.failureRateLimit).describe(
        "Share of failed videos within 15 minutes above which an alarm fires; 1 turns it off.",
      ),
      failureRateMinRequests: wholeNumber(1, 100_000, defaults.failureRateMinRequests).describe(
        "Minimum number of videos within 15 minutes for the alarm on their share of failures.",
      ),
      notifyRecovery: trueOrFalse(defaults.notifyRecovery).describe("Also notify when alarms return to OK."),
      operationsEmails: emails.describe("Email addresses subscribed to alarms (each must confirm)."),
      completionEmails: emails.describe("Email addresses subscribed to results and failures (each must confirm)."),
      subnetIds: list(z.string().regex(/^subnet-[0-9a-f]+$/), "subnets' ids", "subnet-0a1b2c3d").describe(
        "Subnets of the instances. By default they run in AWS's own network.",
      ),
      securityGroupIds: list(z.string().regex(/^sg-[0-9a-f]+$/), "security groups' ids", "sg-0a1b2c3d").describe(
        "Security groups of the instances. Set them together with `subnetIds`.",
      ),
      networkIsolation: trueOrFalse(defaults.networkIsolation).describe("Disconnect the container from every network."),
      bakeTime: wholeNumber(0, 3600, defaults.bakeTime, " (seconds)").describe(
        "Time to keep the old instances after a blue/green update.",
      ),
      rollbackAlarms: list(z.string().min(1), "names of CloudWatch alarms", "team-errors").describe(
        "Alarms that roll back an update.",
      ),
      sourceBuckets: list(
        sourceBucket,
        'source buckets, each {"bucket": NAME} and, if needed, "prefix": START_OF_KEYS and "keyArn": ARN_OF_KMS_KEY',
        { bucket: "my-videos", prefix: "clips/" },
      ).describe(
        'Existing buckets whose videos the endpoint and callers may read in place (see "Videos that are in S3 already").',
      ),
      callerAccountId: otherAccount.describe("Another account whose principals may assume the caller role."),
      permissionsBoundary: policyArn.describe(
        "Permissions boundary of the stack's roles, for example the one that `infra/bootstrap/` creates.",
      ),
      encryptionKeyArn: keyArn(region).describe(
        'Existing KMS key that encrypts the stack\'s data, for example the one that `infra/bootstrap/` creates (see "The encryption key"). By default the stack creates a key.',
      ),
    })
    .refine(({ minCapacity, maxCapacity }) => minCapacity <= maxCapacity, {
      path: ["minCapacity"],
      message: "at most maxCapacity",
      when: bothAreValid("minCapacity", "maxCapacity"),
    })
    .refine(({ warmWindow, maxCapacity }) => warmWindow === undefined || warmWindow.instances <= maxCapacity, {
      path: ["warmWindow"],
      message: "a window with at most maxCapacity instances",
      when: bothAreValid("warmWindow", "maxCapacity"),
    })
    .refine(({ forceDestroy, protectData }) => !forceDestroy || !protectData, {
      path: ["forceDestroy"],
      message: "false if protectData is true",
      when: bothAreValid("forceDestroy", "protectData"),
    })
    .refine(({ inferenceAmi: image, instanceType: type }) => image === undefined || fits(image, type), {
      path: ["inferenceAmi"],
      message: "an image for the instance type: -gpu- for types with an NVIDIA GPU, -neuron- for ml.inf and ml.trn",
      when: bothAreValid("inferenceAmi", "instanceType"),
    })
    .refine(({ requireGpu: required, instanceType: type }) => required !== true || hasGpu(type), {
      path: ["requireGpu"],
      message: "false if the instance type has no NVIDIA GPU",
      params: { example: false },
      when: bothAreValid("requireGpu", "instanceType"),
    })
    .refine(({ subnetIds, securityGroupIds }) => (subnetIds.length === 0) === (securityGroupIds.length === 0), {
      path: ["securityGroupIds"],
      message: "given together with subnetIds, or not at all",
      when: bothAreValid("subnetIds", "securityGroupIds"),
    })
    .refine((given) => requestModeOf(given) === "payload" || fitAllowedSources(given.sourceBuckets), {
      path: ["sourceBuckets"],
      message: allowedSourcesRule,
      when: ({ issues }) => issues.length === 0,
    });
}

/** Returns a check that two settings are valid individually, so that they can be compared. */
function bothAreValid(one: string, other: string) {
  return ({ issues }: z.core.ParsePayload): boolean =>
    !issues.some(({ path: at }) => at?.[0] === one || at?.[0] === other);
}

/** A stack's validated settings, including defaults. */
export type StackConfig = z.infer<ReturnType<typeof schema>>;

/** Error that lists all problems of a stack's config. Pulumi prints only the message of a RunError, without a stack trace. */
export class ConfigError extends pulumi.RunError {
  constructor(stack: string, problems: readonly string[]) {
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    super(`The config of stack ${stack} has ${count}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
}

/** How to fix an invalid setting, for the end of a message. Keys are full: `namespace:key`. */
export interface SettingAdvice {
  /** Returns the instruction that sets a setting to a value. */
  readonly set: (key: string, value: string | number | boolean) => string;
  /** Returns the instruction that removes an unknown setting. */
  readonly remove: (key: string) => string;
}

/** Returns the Pulumi CLI's commands. */
function pulumiAdvice(stack: string): SettingAdvice {
  return {
    set: (key, value) => `Set it: pulumi config set ${key} ${value} --stack ${stack}`,
    remove: (key) => `Remove it: pulumi config rm ${key} --stack ${stack}`,
  };
}

/**
 * Reads the config of the stack that is being deployed.
 * @throws ConfigError that lists every problem
 */
export function readConfig(): StackConfig {
  return parseConfig(pulumi.runtime.allConfig(), {
    namespace: pulumi.getProject(),
    stack: pulumi.getStack(),
    projectRoot: dirname(import.meta.dirname),
  });
}

/**
 * Validates a stack's name and config. `values` has full keys (`namespace:key`). Of other namespaces, only `aws:region` is read.
 * @param advice instructions for messages. @default the Pulumi CLI's commands
 * @throws ConfigError that lists every problem
 */
export function parseConfig(
  values: Readonly<Record<string, string>>,
  {
    namespace,
    stack,
    projectRoot,
    advice = pulumiAdvice(stack),
  }: { namespace: string; stack: string; projectRoot: string; advice?: SettingAdvice },
): StackConfig {
  const prefix = `${namespace}:`;
  const own = Object.fromEntries(
    Object.entries(values)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  const expected = schema(projectRoot, values["aws:region"]);
  const result = expected.safeParse(own);
  const nameProblems = stackName.test(stack) ? [] : [nameProblem(stack)];
  if (result.success && nameProblems.length === 0) return result.data;

  const known = new Map(Object.entries<z.core.$ZodType>(expected.shape));
  const problems = (result.error?.issues ?? []).flatMap((issue) => {
    // An issue of a list's item is reported for the list.
    if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
      return issue.keys.map(
        (key) =>
          `${prefix}${key} is not a setting (there are ${[...known.keys()].join(", ")}). ` +
          advice.remove(`${prefix}${key}`),
      );
    }
    const key = String(issue.path[0]);
    const field = known.get(key);
    const setting = field === undefined ? undefined : settings.get(field);
    const given = own[key] === undefined ? "is not set" : `is ${JSON.stringify(own[key])}`;
    const contradiction = issue.code === "custom" ? z.boolean().safeParse(issue.params?.["example"]).data : undefined;
    const example = contradiction ?? setting?.example ?? "VALUE";
    const allowed = issue.code === "custom" && key !== "modelArtifact" ? issue.message : setting?.allowed;
    return (
      `${prefix}${key} ${given}, but must be ${allowed ?? issue.message}. ` + advice.set(`${prefix}${key}`, example)
    );
  });
  throw new ConfigError(stack, [...nameProblems, ...new Set(problems)]);
}

/** Validates the stack's name, which is the prefix of every resource's name. AWS limits its length, and S3 its characters. */
function nameProblem(stack: string): string {
  return (
    `The stack's name is ${JSON.stringify(stack)}, but must have ${allowedStackName}. ` +
    `Rename the stack: pulumi stack rename NEW_NAME --stack ${stack}`
  );
}

/** One setting, for the table of settings. */
export interface SettingDescription {
  readonly key: string;
  /** Description of the valid values. */
  readonly allowed: string;
  /** Undefined if the setting is required or off by default. A list is empty by default. */
  readonly defaultValue: string | number | boolean | object | undefined;
  readonly meaning: string;
}

/** Returns all settings in the order of their declaration. */
export function describeSettings(): SettingDescription[] {
  return Object.entries(schema("").shape).map(([key, field]) => {
    const { success, data } = field.safeParse(undefined);
    return {
      key,
      allowed: settings.get(field)?.allowed ?? "",
      defaultValue: success ? data : undefined,
      meaning: field.description ?? "",
    };
  });
}
