/** Reads and checks a stack's config: every setting typed, or one message that lists everything that is wrong with it. */
import { statSync } from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { defaults } from "./defaults.ts";
import { fits, hasGpu, imageAddress, machineImages, sampleAddress } from "./serving-image.ts";
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

const switchOff = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .default(false)
  .register(settings, { allowed: "true or false", example: false });

const inferenceAmi = z
  .enum(machineImages)
  .optional()
  .register(settings, { allowed: `one of ${machineImages.join(", ")}`, example: machineImages[2] });

const requireGpu = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .optional()
  .register(settings, { allowed: "true or false", example: true });

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

/** @param region the stack's, if its config names it: a key of another region encrypts nothing here */
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
    .transform((relative) => path.resolve(projectRoot, relative))
    .refine((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .register(settings, {
      allowed: "the path of an existing model.tar.gz, relative to the project's folder",
      example: "model/dist/model.tar.gz",
    });
}

/** A cooldown has no upper limit at AWS; beyond a day it would be a slip of the keyboard. */
const longestCooldown = 86_400;
/** TorchServe reads its size limits, in bytes, into a Java int: one MiB less than 2 GiB is the most. */
const largestSize = 2047;
/** Seconds: SageMaker drops a request that has waited for longer (RequestTTLSeconds). */
const longestTtl = 21_600;
/** S3's lifecycle rules take more; ten years is longer than anyone means to keep a video by default. */
const longestRetention = 3650;

/** Days for which CloudWatch keeps a log (CloudWatch Logs API reference, PutRetentionPolicy). */
const logRetentions = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545],
  ...[731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
];

function schema(projectRoot: string, region?: string) {
  return z
    .strictObject({
      modelArtifact: artifact(projectRoot).describe(
        "The model: what `model/package.py` built. Relative to the project's folder.",
      ),
      image: image.describe(
        "The serving image: AWS's with TorchServe, AWS's with Ray Serve, or your own, which is taken for Ray's where its repository is named ray.",
      ),
      instanceType: instanceType.describe("What the model runs on. The policy pack asks for a GPU."),
      inferenceAmi: inferenceAmi.describe(
        "Machine image of the instances, which decides about the NVIDIA driver. By default: `al2-ami-sagemaker-inference-gpu-3-1` for AWS's images on GPU types; for your own image, the one for the CUDA version in its tag (`cu12x`, `cu13x`), else SageMaker's choice.",
      ),
      requireGpu: requireGpu.describe(
        "Fail to start if CUDA cannot use a GPU, instead of working on the CPU. By default: true on GPU types. The policy pack refuses false except on `local`.",
      ),
      minCapacity: wholeNumber(0, 1000, defaults.minCapacity).describe(
        "Instances while nothing is queued. The policy pack refuses more than 0.",
      ),
      maxCapacity: wholeNumber(1, 1000, defaults.maxCapacity).describe("Instances at most."),
      maxConcurrency: wholeNumber(1, 1000, defaults.maxConcurrency).describe(
        "Videos at a time on each instance; the model server has as many workers.",
      ),
      backlogTarget: positiveNumber(1000, defaults.backlogTarget).describe(
        "Queued and running videos per instance that target tracking holds.",
      ),
      scaleInCooldown: wholeNumber(0, longestCooldown, defaults.scaleInCooldown, " (seconds)").describe(
        "How long after a scale-in the next one may come.",
      ),
      scaleOutCooldown: wholeNumber(0, longestCooldown, defaults.scaleOutCooldown, " (seconds)").describe(
        "How long after a scale-out the next one may come.",
      ),
      invocationTimeout: wholeNumber(1, 3600, defaults.invocationTimeout, " (seconds)").describe(
        "The longest run of one video that the model server honours.",
      ),
      maxRequestSize: wholeNumber(1, 1024, defaults.maxRequestSize, " (MiB)").describe("The largest video."),
      maxResponseSize: wholeNumber(1, largestSize, defaults.maxResponseSize, " (MiB)").describe("The largest result."),
      sampleFps: positiveNumber(1000, defaults.sampleFps, " (frames per second)").describe(
        "How much of a video the model looks at.",
      ),
      scoreThreshold: fraction(defaults.scoreThreshold).describe("Detections below this score are left out."),
      inputRetentionDays: wholeNumber(1, longestRetention, defaults.inputRetentionDays, " (days)").describe(
        "Days until a video is deleted; 1 means up to 2. S3 deletes at the midnight (UTC) after that.",
      ),
      resultRetentionDays: wholeNumber(1, longestRetention, defaults.resultRetentionDays, " (days)").describe(
        "Days until results and failures are deleted. S3 deletes at the midnight (UTC) after that.",
      ),
      artifactRetentionDays: wholeNumber(1, longestRetention, defaults.artifactRetentionDays, " (days)").describe(
        "Days after which the pipeline deletes a model artifact that no model uses; the newest two are kept.",
      ),
      logRetentionDays: oneOf(logRetentions, defaults.logRetentionDays, " (days)").describe(
        "Days that CloudWatch keeps the log of the endpoint's containers.",
      ),
      forceDestroy: switchOff.describe("Whether destroying the stack deletes what is in its buckets."),
      protectData: switchOff.describe("Whether Pulumi refuses to delete the buckets and the key."),
      oldestRequestLimit: wholeNumber(60, longestTtl, defaults.oldestRequestLimit, " (seconds)").describe(
        "How long a video may wait before an alarm says so.",
      ),
      failureRateLimit: fraction(defaults.failureRateLimit).describe(
        "Share of failed videos within 15 minutes above which an alarm goes off; 1 turns it off.",
      ),
      failureRateMinRequests: wholeNumber(1, 100_000, defaults.failureRateMinRequests).describe(
        "Minimum number of videos within 15 minutes for which their share of failures is compared.",
      ),
      notifyRecovery: switchOff.describe("Whether alarms also notify when they return to OK."),
      operationsEmails: emails.describe("Who gets the alarms, once each has confirmed."),
      completionEmails: emails.describe("Who hears of every result and failure, once each has confirmed."),
      subnetIds: list(z.string().regex(/^subnet-[0-9a-f]+$/), "subnets' ids", "subnet-0a1b2c3d").describe(
        "Where instances have an interface; none: AWS's own network.",
      ),
      securityGroupIds: list(z.string().regex(/^sg-[0-9a-f]+$/), "security groups' ids", "sg-0a1b2c3d").describe(
        "Given together with `subnetIds`.",
      ),
      networkIsolation: switchOff.describe("Whether the container is cut off from every network."),
      bakeTime: wholeNumber(0, 3600, defaults.bakeTime, " (seconds)").describe(
        "How long a new fleet serves beside the old one before the old one goes.",
      ),
      rollbackAlarms: list(z.string().min(1), "names of CloudWatch alarms", "team-errors").describe(
        "Alarms that take an update back.",
      ),
      sourceBuckets: list(
        sourceBucket,
        'source buckets, each {"bucket": NAME} and, if needed, "prefix": START_OF_KEYS and "keyArn": ARN_OF_KMS_KEY',
        { bucket: "my-videos", prefix: "clips/" },
      ).describe(
        'Existing buckets whose videos the endpoint and callers may read in place (see "Videos that are in S3 already").',
      ),
      callerAccountId: otherAccount.describe("Another account whose people may take the role of callers."),
      permissionsBoundary: policyArn.describe(
        "The policy that bounds what the stack's roles can do (`infra/bootstrap/`).",
      ),
      encryptionKeyArn: keyArn(region).describe(
        'Existing KMS key that encrypts the stack\'s data, for example the one that `infra/bootstrap/` creates (see "The encryption key"). By default the stack creates a key.',
      ),
    })
    .refine(({ minCapacity, maxCapacity }) => minCapacity <= maxCapacity, {
      path: ["minCapacity"],
      message: "at most maxCapacity",
      when: bothAreGood("minCapacity", "maxCapacity"),
    })
    .refine(({ forceDestroy, protectData }) => !forceDestroy || !protectData, {
      path: ["forceDestroy"],
      message: "false where protectData is true",
      when: bothAreGood("forceDestroy", "protectData"),
    })
    .refine(({ inferenceAmi: image, instanceType: type }) => image === undefined || fits(image, type), {
      path: ["inferenceAmi"],
      message: "an image for the instance type: -gpu- for types with an NVIDIA GPU, -neuron- for ml.inf and ml.trn",
      when: bothAreGood("inferenceAmi", "instanceType"),
    })
    .refine(({ requireGpu: required, instanceType: type }) => required !== true || hasGpu(type), {
      path: ["requireGpu"],
      message: "false if the instance type has no NVIDIA GPU",
      params: { example: false },
      when: bothAreGood("requireGpu", "instanceType"),
    })
    .refine(({ subnetIds, securityGroupIds }) => (subnetIds.length === 0) === (securityGroupIds.length === 0), {
      path: ["securityGroupIds"],
      message: "given together with subnetIds, or not at all",
      when: bothAreGood("subnetIds", "securityGroupIds"),
    });
}

/** Whether two settings are right by themselves, so that they can be compared. */
function bothAreGood(one: string, other: string) {
  return ({ issues }: z.core.ParsePayload): boolean =>
    !issues.some(({ path: at }) => at?.[0] === one || at?.[0] === other);
}

/** A stack's checked settings, defaults filled in. */
export type StackConfig = z.infer<ReturnType<typeof schema>>;

/** Says all that is wrong with a stack's config. Pulumi prints a RunError's message alone, without a stack trace. */
export class ConfigError extends pulumi.RunError {
  constructor(stack: string, problems: readonly string[]) {
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    super(`The config of stack ${stack} has ${count}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
}

/** What to do about a wrong setting, as the end of a message. Keys are full: `namespace:key`. */
export interface SettingAdvice {
  /** How to set a setting to a value. */
  readonly set: (key: string, value: string | number | boolean) => string;
  /** How to remove what is not a setting. */
  readonly remove: (key: string) => string;
}

/** The Pulumi CLI's commands. */
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
    projectRoot: path.dirname(import.meta.dirname),
  });
}

/**
 * Checks a stack's name and config: `values` has full keys (`namespace:key`). Of other namespaces only `aws:region` matters.
 * @param advice what messages tell to do. @default the Pulumi CLI's commands
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
    // Those of a list's items are the list's.
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

/** Every resource's name starts with the stack's: AWS limits its length, and S3 its characters. */
function nameProblem(stack: string): string {
  return (
    `The stack's name is ${JSON.stringify(stack)}, but must have ${allowedStackName}. ` +
    `Rename the stack: pulumi stack rename NEW_NAME --stack ${stack}`
  );
}

/** One setting, as the table of settings tells of it. */
export interface SettingDescription {
  readonly key: string;
  /** The values that are valid, in words. */
  readonly allowed: string;
  /** Undefined: it must be set, or is off. A list is empty by default. */
  readonly defaultValue: string | number | boolean | readonly unknown[] | undefined;
  readonly meaning: string;
}

/** All settings, in the order in which they are declared. */
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
