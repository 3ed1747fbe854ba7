/** Policies on retention: unprocessed messages, logs, and a production stack's data. */
import type { QueueArgs } from "@pulumi/aws/sqs/queue.js";
import type { RedrivePolicyArgs } from "@pulumi/aws/sqs/redrivePolicy.js";
import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { validateResourceOfType } from "@pulumi/policy";
import { z } from "zod";
import { resourcePolicy, stackPolicy, stringList } from "./policy.ts";
import { ofType, References, validateTypes } from "./resources.ts";
import type { Typed } from "./resources.ts";
import { evaluateEach } from "./unknown.ts";

const redriveSchema = z.object({ deadLetterTargetArn: z.string().min(1) });

/** A message that a reader fails to process would be received again until it expires, and then be lost. */
export const queueDeadLetters = stackPolicy({
  name: "queue-dead-letters",
  description:
    "A queue must have a dead-letter queue. Otherwise messages that readers fail to process return until they expire and are lost.",
  validate: ({ resources }, reportViolation) => {
    const queues = ofType<QueueArgs>(resources, "aws:sqs/queue:Queue");
    const redrives = ofType<RedrivePolicyArgs>(resources, "aws:sqs/redrivePolicy:RedrivePolicy");
    const redriven = new References({
      from: redrives,
      property: "queueUrl",
      values: ({ props }) => [props.queueUrl],
      to: queues,
      names: [({ props }) => props.id],
    });
    const senders = new References<Typed<QueueArgs> | Typed<RedrivePolicyArgs>, Typed<QueueArgs>>({
      from: [...queues, ...redrives],
      property: "redrivePolicy",
      values: (sender) => [deadLetterTarget(sender)],
      to: queues,
      names: [({ props }) => props.arn],
    });
    evaluateEach(queues, reportViolation, (queue) => {
      if (queue.props.redriveAllowPolicy || deadLetterTarget(queue) !== undefined) return;
      if (redriven.to(queue).length === 0 && senders.to(queue).length === 0) {
        reportViolation(
          `The queue '${queue.name}' has no dead-letter queue. ` +
            `Set its redrivePolicy to a document with deadLetterTargetArn, another queue's ARN, and maxReceiveCount.`,
          queue.urn,
        );
      }
    });
  },
});

/** Returns the ARN in a redrive policy. */
function deadLetterTarget({ props }: Typed<QueueArgs> | Typed<RedrivePolicyArgs>): string | undefined {
  if (!props.redrivePolicy) return undefined;
  try {
    return redriveSchema.safeParse(JSON.parse(props.redrivePolicy)).data?.deadLetterTargetArn;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * CloudWatch keeps the events of a group without a retention forever (CloudWatch Logs API reference, PutRetentionPolicy; the provider's 0
 * means the same), and bills their storage. It ignores the retention of the class DELIVERY, which keeps events for 2 days.
 */
export const logRetention = resourcePolicy({
  name: "log-retention",
  description: "A log group must have a retention. Without one, CloudWatch keeps and bills its events forever.",
  validate: validateResourceOfType(LogGroup, (group, { name }, reportViolation) => {
    if (group.logGroupClass === "DELIVERY" || (group.retentionInDays ?? 0) > 0) return;
    reportViolation(
      `The log group '${name}' keeps its events forever. ` +
        `Set its retentionInDays (the stack's setting logRetentionDays) to a number of days, such as 30.`,
    );
  }),
});

/** Types that hold data, or encrypt it. */
const dataTypes = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", "aws:kms/key:Key"];

/** Pulumi refuses an accidental destroy before it calls AWS. */
export const dataProtected = resourcePolicy({
  name: "data-protected",
  description:
    "A production stack's buckets and keys must be protected, so that a destroy, or a rename that replaces them, does not delete the data.",
  config: {
    stacks: stringList("Names of the stacks whose data must be protected.", ["prod", "production"]),
  },
  validate: validateTypes(dataTypes, (_: object, args, reportViolation) => {
    const { stacks } = args.getConfig<{ stacks: string[] }>();
    const { type, name, urn, opts } = args;
    const stack = urn.split(":")[2] ?? "";
    if (stacks.includes(stack) && !opts.protect) {
      reportViolation(
        `The ${type.split(":").at(-1) ?? type} '${name}' of the stack ${stack} can be deleted. Set its resource option protect to true.`,
      );
    }
  }),
});
