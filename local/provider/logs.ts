/** CloudWatch Logs: log groups. */
import {
  AssociateKmsKeyCommand,
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  DeleteRetentionPolicyCommand,
  DisassociateKmsKeyCommand,
  ListTagsForResourceCommand,
  paginateDescribeLogGroups,
  PutRetentionPolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import type { LogGroup, LogGroupClass } from "@aws-sdk/client-cloudwatch-logs";
import type { LogGroupArgs } from "@pulumi/aws/cloudwatch/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { unlessMissing } from "./errors.ts";
import { flag, number, regional, tagged, text } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";

const fields = {
  name: text({ autoName: { max: 255 }, forceNew: true }),
  kmsKeyId: text(),
  logGroupClass: text({ computed: true, forceNew: true }),
  retentionInDays: number({ default: 0 }),
  skipDestroy: flag({ default: false }),
  ...tagged,
  ...regional,
} satisfies FieldsOf<pulumi.Unwrap<LogGroupArgs> & Managed>;

const gone = "ResourceNotFoundException";

async function find(name: string, { aws }: Scope): Promise<LogGroup | undefined> {
  for await (const page of paginateDescribeLogGroups({ client: aws.logs }, { logGroupNamePrefix: name })) {
    const found = page.logGroups?.find(({ logGroupName }) => logGroupName === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** 0 days: never. */
async function retain(logGroupName: string, retentionInDays: number, { aws }: Scope): Promise<void> {
  await (retentionInDays === 0
    ? aws.logs.send(new DeleteRetentionPolicyCommand({ logGroupName }))
    : aws.logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays })));
}

export const logGroup = resource<typeof fields>({
  token: "aws:cloudwatch/logGroup:LogGroup",
  fields,
  outputs: ["arn"],
  tagging: {
    async tag({ arn }, tags, { aws }) {
      await aws.logs.send(new TagResourceCommand({ resourceArn: arn, tags }));
    },
    async untag({ arn }, tagKeys, { aws }) {
      await aws.logs.send(new UntagResourceCommand({ resourceArn: arn, tagKeys }));
    },
  },
  async create(inputs, scope) {
    const { name: logGroupName, kmsKeyId, logGroupClass, tagsAll } = inputs;
    await scope.aws.logs.send(
      new CreateLogGroupCommand({
        logGroupName,
        kmsKeyId,
        logGroupClass: logGroupClass as LogGroupClass,
        ...(Object.keys(tagsAll).length === 0 ? {} : { tags: tagsAll }),
      }),
    );
    scope.created(logGroupName);
    if (inputs.retentionInDays !== 0) await retain(logGroupName, inputs.retentionInDays, scope);
    return logGroupName;
  },
  async read(id, scope) {
    const found = await find(id, scope);
    if (found === undefined) return undefined;
    const arn = found.arn?.replace(/:\*$/, "");
    const { tags } = await scope.aws.logs.send(new ListTagsForResourceCommand({ resourceArn: arn }));
    return {
      name: found.logGroupName,
      arn,
      kmsKeyId: found.kmsKeyId,
      logGroupClass: found.logGroupClass,
      retentionInDays: found.retentionInDays ?? 0,
      tags: tags ?? {},
    };
  },
  async update({ id: logGroupName, inputs, changed }, scope) {
    if (changed.has("retentionInDays")) await retain(logGroupName, inputs.retentionInDays, scope);
    if (changed.has("kmsKeyId")) {
      const { kmsKeyId } = inputs;
      await (kmsKeyId === undefined || kmsKeyId === ""
        ? scope.aws.logs.send(new DisassociateKmsKeyCommand({ logGroupName }))
        : scope.aws.logs.send(new AssociateKmsKeyCommand({ logGroupName, kmsKeyId })));
    }
  },
  async delete(logGroupName, { aws }, { skipDestroy }) {
    if (skipDestroy === true) return;
    await unlessMissing(aws.logs.send(new DeleteLogGroupCommand({ logGroupName })), gone);
  },
});
