/** SQS: queues and their policies. */
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ListQueueTagsCommand,
  SetQueueAttributesCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from "@aws-sdk/client-sqs";
import type { QueueArgs, QueuePolicyArgs, RedriveAllowPolicyArgs, RedrivePolicyArgs } from "@pulumi/aws/sqs/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { attributes, changedAttributes, flagOf, numberOf } from "./attributes.ts";
import { ProviderError, unlessMissing } from "./errors.ts";
import { flag, json, number, policy, regional, tagged, text } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";
import { unknown } from "./values.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

/** The modelled code, and the older one that SQS still sends beside it. */
const gone = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"];

const queueFields = {
  name: text({ autoName: { max: 80, suffixIf: "fifoQueue", suffix: ".fifo" }, forceNew: true }),
  fifoQueue: flag({ default: false, forceNew: true }),
  contentBasedDeduplication: flag({ default: false }),
  deduplicationScope: text({ computed: true }),
  delaySeconds: number({ default: 0 }),
  fifoThroughputLimit: text({ computed: true }),
  kmsDataKeyReusePeriodSeconds: number({ computed: true }),
  kmsMasterKeyId: text(),
  maxMessageSize: number({ default: 262_144 }),
  messageRetentionSeconds: number({ default: 345_600 }),
  policy: policy({ computed: true }),
  receiveWaitTimeSeconds: number({ default: 0 }),
  redriveAllowPolicy: json({ computed: true }),
  redrivePolicy: json({ computed: true }),
  sqsManagedSseEnabled: flag({ computed: true }),
  visibilityTimeoutSeconds: number({ default: 30 }),
  ...tagged,
  ...regional,
} satisfies Properties<QueueArgs>;

/** SQS's name of each property that is an attribute. */
const queueAttributes = {
  contentBasedDeduplication: "ContentBasedDeduplication",
  deduplicationScope: "DeduplicationScope",
  delaySeconds: "DelaySeconds",
  fifoQueue: "FifoQueue",
  fifoThroughputLimit: "FifoThroughputLimit",
  kmsDataKeyReusePeriodSeconds: "KmsDataKeyReusePeriodSeconds",
  kmsMasterKeyId: "KmsMasterKeyId",
  maxMessageSize: "MaximumMessageSize",
  messageRetentionSeconds: "MessageRetentionPeriod",
  policy: "Policy",
  receiveWaitTimeSeconds: "ReceiveMessageWaitTimeSeconds",
  redriveAllowPolicy: "RedriveAllowPolicy",
  redrivePolicy: "RedrivePolicy",
  sqsManagedSseEnabled: "SqsManagedSseEnabled",
  visibilityTimeoutSeconds: "VisibilityTimeout",
} as const;

async function setQueue(QueueUrl: string, values: Record<string, string>, { aws }: Scope): Promise<void> {
  if (Object.keys(values).length === 0) return;
  await aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: values }));
}

async function readQueue(QueueUrl: string, { aws }: Scope): Promise<Partial<Record<string, string>> | undefined> {
  const found = await unlessMissing(
    aws.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] })),
    ...gone,
  );
  return found && (found.Attributes ?? {});
}

export const queue = resource<typeof queueFields>({
  token: "aws:sqs/queue:Queue",
  fields: queueFields,
  outputs: ["arn", "url"],
  tagging: {
    async tag({ id }, Tags, { aws }) {
      await aws.sqs.send(new TagQueueCommand({ QueueUrl: id, Tags }));
    },
    async untag({ id }, TagKeys, { aws }) {
      await aws.sqs.send(new UntagQueueCommand({ QueueUrl: id, TagKeys }));
    },
  },
  check(inputs) {
    const { name, fifoQueue } = inputs;
    if (fifoQueue !== true || typeof name !== "string" || name === unknown || name.endsWith(".fifo")) return [];
    return [{ property: "name", reason: `The name of a FIFO queue must end in .fifo, got ${name}` }];
  },
  async create(inputs, { aws }) {
    const given = attributes(queueAttributes, inputs);
    // SQS refuses both on a standard queue, even with false.
    if (!inputs.fifoQueue) {
      delete given["FifoQueue"];
      delete given["ContentBasedDeduplication"];
    }
    const { QueueUrl: url } = await aws.sqs.send(
      new CreateQueueCommand({ QueueName: inputs.name, Attributes: given, tags: inputs.tagsAll }),
    );
    if (url === undefined) throw new ProviderError("CreateQueue answered no URL");
    return url;
  },
  async read(id, scope) {
    const found = await readQueue(id, scope);
    if (found === undefined) return undefined;
    const { Tags } = await scope.aws.sqs.send(new ListQueueTagsCommand({ QueueUrl: id }));
    return {
      ...Object.fromEntries(Object.entries(queueAttributes).map(([name, attribute]) => [name, found[attribute]])),
      name: found["QueueArn"]?.split(":").at(-1),
      arn: found["QueueArn"],
      url: id,
      fifoQueue: flagOf(found["FifoQueue"]) ?? false,
      contentBasedDeduplication: flagOf(found["ContentBasedDeduplication"]) ?? false,
      sqsManagedSseEnabled: flagOf(found["SqsManagedSseEnabled"]),
      delaySeconds: numberOf(found["DelaySeconds"]),
      kmsDataKeyReusePeriodSeconds: numberOf(found["KmsDataKeyReusePeriodSeconds"]),
      maxMessageSize: numberOf(found["MaximumMessageSize"]),
      messageRetentionSeconds: numberOf(found["MessageRetentionPeriod"]),
      receiveWaitTimeSeconds: numberOf(found["ReceiveMessageWaitTimeSeconds"]),
      visibilityTimeoutSeconds: numberOf(found["VisibilityTimeout"]),
      tags: Tags ?? {},
    };
  },
  update: ({ id, inputs, changed }, scope) => setQueue(id, changedAttributes(queueAttributes, inputs, changed), scope),
  async delete(id, { aws }) {
    await unlessMissing(aws.sqs.send(new DeleteQueueCommand({ QueueUrl: id })), ...gone);
  },
});

const queueField = { queueUrl: text({ required: true, forceNew: true }) };

/** Sets one attribute of a queue; deleting sets it to nothing and waits until it is gone. */
function life(property: string, attribute: string) {
  const put = async (inputs: { readonly queueUrl: string }, scope: Scope): Promise<string> => {
    await setQueue(inputs.queueUrl, attributes({ [property]: attribute }, { ...inputs }), scope);
    return inputs.queueUrl;
  };
  return {
    outputs: [],
    create: put,
    read: async (id: string, scope: Scope) => {
      const value = (await readQueue(id, scope))?.[attribute];
      return value === undefined || value === "" ? undefined : { queueUrl: id, [property]: value };
    },
    update: ({ inputs }: { readonly inputs: { readonly queueUrl: string } }, scope: Scope) => put(inputs, scope),
    delete: async (id: string, scope: Scope) => {
      await unlessMissing(setQueue(id, { [attribute]: "" }, scope), ...gone);
      while (((await readQueue(id, scope))?.[attribute] ?? "") !== "") await scope.pause();
    },
  };
}

const queuePolicyFields = {
  ...queueField,
  policy: policy({ required: true }),
  ...regional,
} satisfies Properties<QueuePolicyArgs>;

export const queuePolicy = resource<typeof queuePolicyFields>({
  token: "aws:sqs/queuePolicy:QueuePolicy",
  fields: queuePolicyFields,
  ...life("policy", "Policy"),
});

const redriveFields = {
  ...queueField,
  redrivePolicy: json({ required: true }),
  ...regional,
} satisfies Properties<RedrivePolicyArgs>;

export const redrivePolicy = resource<typeof redriveFields>({
  token: "aws:sqs/redrivePolicy:RedrivePolicy",
  fields: redriveFields,
  ...life("redrivePolicy", "RedrivePolicy"),
});

const redriveAllowFields = {
  ...queueField,
  redriveAllowPolicy: json({ required: true }),
  ...regional,
} satisfies Properties<RedriveAllowPolicyArgs>;

export const redriveAllowPolicy = resource<typeof redriveAllowFields>({
  token: "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
  fields: redriveAllowFields,
  ...life("redriveAllowPolicy", "RedriveAllowPolicy"),
});
