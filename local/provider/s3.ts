/** S3: buckets and their versioning. */
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketTaggingCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import type { BucketLocationConstraint, BucketVersioningStatus, MFADelete } from "@aws-sdk/client-s3";
import type { BucketArgs, BucketVersioningArgs } from "@pulumi/aws/s3/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { isCode, ProviderError, unlessMissing } from "./errors.ts";
import { block, flag, regional, tagged, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";
import { deleteVersions } from "./s3-versions.ts";
import { fromTagList, toTagList } from "./tags.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

/** S3 hosts static sites of a region under a fixed zone of Route 53 (AWS General Reference, "Amazon S3 endpoints and quotas"). */
const hostedZones: Readonly<Record<string, string>> = {
  "af-south-1": "Z83WF9RJE8B12",
  "ap-east-1": "ZNB98KWMFR0R6",
  "ap-northeast-1": "Z2M4EHUR26P7ZW",
  "ap-northeast-2": "Z3W03O7B5YMIYP",
  "ap-northeast-3": "Z2YQB5RD63NC85",
  "ap-south-1": "Z11RGJOFQNVJUP",
  "ap-southeast-1": "Z3O0J2DXBE1FTB",
  "ap-southeast-2": "Z1WCIGYICN2BYD",
  "ca-central-1": "Z1QDHH18159H29",
  "eu-central-1": "Z21DNDUVLTQW6Q",
  "eu-north-1": "Z3BAZG2TWCNX0D",
  "eu-west-1": "Z1BKCTXD74EZPE",
  "eu-west-2": "Z3GKZC51ZF0DB4",
  "eu-west-3": "Z3R1K369G5AVDG",
  "sa-east-1": "Z7KQH4QJS55SO",
  "us-east-1": "Z3AQBSTGFYJSTF",
  "us-east-2": "Z2O1EMRO9K5GLX",
  "us-west-1": "Z2F56UZL2M1ACD",
  "us-west-2": "Z3BJ6K6RIION7M",
};

const gone = ["NoSuchBucket", "NotFound"];

const bucketFields = {
  bucket: text({ autoName: { max: 63, lowerCase: true }, forceNew: true }),
  forceDestroy: flag({ default: false }),
  objectLockEnabled: flag({ forceNew: true, computed: true }),
  ...tagged,
  ...regional,
} satisfies Properties<BucketArgs>;

async function putTags(bucket: string, tags: Record<string, string>, { aws }: Scope): Promise<void> {
  const TagSet = toTagList(tags);
  if (TagSet === undefined) await aws.s3.send(new DeleteBucketTaggingCommand({ Bucket: bucket }));
  else await aws.s3.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }));
}

export const bucket = resource<typeof bucketFields>({
  token: "aws:s3/bucket:Bucket",
  fields: bucketFields,
  outputs: ["arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName", "hostedZoneId"],
  tagging: {
    // Buckets take all tags at once; removed keys go with the same call.
    tag: ({ id, all }, _tags, scope) => putTags(id, all, scope),
    untag: ({ id, all }, _keys, scope) => putTags(id, all, scope),
  },
  async create({ bucket: Bucket, objectLockEnabled, tagsAll }, scope) {
    const { aws, region } = scope;
    if ((await unlessMissing(aws.s3.send(new HeadBucketCommand({ Bucket })), ...gone)) !== undefined) {
      throw new ProviderError(`Bucket ${Bucket} exists already: import it, or give this one another name`);
    }
    await aws.s3.send(
      new CreateBucketCommand({
        Bucket,
        ...(objectLockEnabled === undefined ? {} : { ObjectLockEnabledForBucket: objectLockEnabled }),
        ...(region === "us-east-1"
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint } }),
      }),
    );
    scope.created(Bucket);
    if (Object.keys(tagsAll).length > 0) await putTags(Bucket, tagsAll, scope);
    return Bucket;
  },
  async read(id, { aws, region, partition }) {
    const found = await unlessMissing(aws.s3.send(new HeadBucketCommand({ Bucket: id })), ...gone);
    if (found === undefined) return undefined;
    const tags = await unlessMissing(aws.s3.send(new GetBucketTaggingCommand({ Bucket: id })), "NoSuchTagSet");
    const lock = await unlessMissing(
      aws.s3.send(new GetObjectLockConfigurationCommand({ Bucket: id })),
      "ObjectLockConfigurationNotFoundError",
    );
    const bucketRegion = found.BucketRegion ?? region;
    return {
      bucket: id,
      arn: `arn:${partition}:s3:::${id}`,
      bucketDomainName: `${id}.s3.amazonaws.com`,
      bucketRegionalDomainName: `${id}.s3.${bucketRegion}.amazonaws.com`,
      bucketRegion,
      region: bucketRegion,
      hostedZoneId: hostedZones[bucketRegion],
      objectLockEnabled: lock?.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled",
      tags: fromTagList(tags?.TagSet),
    };
  },
  // forceDestroy is the provider's own: it is kept, and nothing is called.
  update: () => Promise.resolve(),
  async delete(id, scope, { forceDestroy }) {
    const remove = () => unlessMissing(scope.aws.s3.send(new DeleteBucketCommand({ Bucket: id })), ...gone);
    try {
      await remove();
    } catch (error) {
      if (!isCode(error, "BucketNotEmpty")) throw error;
      if (forceDestroy !== true) {
        throw new ProviderError(
          `Bucket ${id} is not empty: delete its objects, or set forceDestroy and deploy once more`,
          { cause: error },
        );
      }
      await deleteVersions(scope, id);
      await remove();
    }
    while ((await unlessMissing(scope.aws.s3.send(new HeadBucketCommand({ Bucket: id })), ...gone)) !== undefined) {
      await scope.pause();
    }
  },
});

const versioningFields = {
  bucket: text({ required: true, forceNew: true }),
  mfa: text(),
  versioningConfiguration: block(
    { status: text({ required: true }), mfaDelete: text({ computed: true }) },
    { required: true },
  ),
  ...regional,
} satisfies Properties<BucketVersioningArgs>;

async function putVersioning(inputs: Inputs<typeof versioningFields>, { aws }: Scope): Promise<void> {
  const { status, mfaDelete } = inputs.versioningConfiguration;
  await aws.s3.send(
    new PutBucketVersioningCommand({
      Bucket: inputs.bucket,
      MFA: inputs.mfa,
      VersioningConfiguration: { Status: status as BucketVersioningStatus, MFADelete: mfaDelete as MFADelete },
    }),
  );
}

export const bucketVersioning = resource<typeof versioningFields>({
  token: "aws:s3/bucketVersioning:BucketVersioning",
  fields: versioningFields,
  outputs: [],
  async create(inputs, scope) {
    // A bucket that never had versions stays so: AWS knows no call for that.
    if (inputs.versioningConfiguration.status !== "Disabled") await putVersioning(inputs, scope);
    return inputs.bucket;
  },
  async read(id, { aws }) {
    const found = await unlessMissing(aws.s3.send(new GetBucketVersioningCommand({ Bucket: id })), ...gone);
    if (found === undefined) return undefined;
    return {
      bucket: id,
      versioningConfiguration: { status: found.Status ?? "Disabled", mfaDelete: found.MFADelete },
    };
  },
  update: ({ inputs }, scope) => putVersioning(inputs, scope),
  async delete(id, { aws }, { versioningConfiguration }) {
    if (versioningConfiguration?.status !== "Enabled") return;
    const VersioningConfiguration = { Status: "Suspended" } as const;
    await unlessMissing(aws.s3.send(new PutBucketVersioningCommand({ Bucket: id, VersioningConfiguration })), ...gone);
  },
});
