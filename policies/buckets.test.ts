/** Tests the policies on buckets. */
import { bucketCustomerKey, bucketLifecycle, bucketOwnerEnforced, bucketPrivate, bucketTlsOnly } from "./buckets.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownString, urnOf } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const bucket: TestResource = {
  type: "aws:s3/bucket:Bucket",
  name: "videos",
  props: { bucket: "videos-0a1b2c3", id: "videos-0a1b2c3" },
};

function configuring(type: string, props: Record<string, unknown>): TestResource {
  return {
    type: `aws:s3/bucket${type}:Bucket${type}`,
    name: "videos",
    props: { bucket: "videos-0a1b2c3", ...props },
    dependsOn: { bucket: [urnOf(bucket)] },
  };
}

const twin: TestResource = { ...bucket, type: "aws:s3/bucketV2:BucketV2" };
const other = { bucket: "other" };

const closed = configuring("PublicAccessBlock", {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
});
const open = /'videos' can be made public\. Add a BucketPublicAccessBlock/;

policyTests(bucketPrivate, {
  good: [bucket, closed],
  passes: {
    "a first preview, in which the bucket's name is not known": [
      withProps(bucket, { bucket: unknownString, id: unknownString }),
      withProps(closed, { bucket: unknownString }),
    ],
    "no bucket at all": [closed],
  },
  refuses: {
    "no block": [[bucket], open],
    "a block of another bucket": [[bucket, withProps(closed, other)], open],
    "the deprecated type without one": [[twin], open],
    ...Object.fromEntries(
      ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].flatMap((block) => [
        [`${block} false`, [[bucket, withProps(closed, { [block]: false })], open] as const],
        [`no ${block}`, [[bucket, withProps(closed, { [block]: undefined })], open] as const],
      ]),
    ),
  },
  unknown: [bucket, withProps(closed, { blockPublicAcls: unknownString })],
});

const owned = configuring("OwnershipControls", { rule: { objectOwnership: "BucketOwnerEnforced" } });
const ownership = /set rule\.objectOwnership to BucketOwnerEnforced/;

policyTests(bucketOwnerEnforced, {
  good: [bucket, owned],
  refuses: {
    "no controls": [[bucket], ownership],
    "ACLs that are on": [[bucket, withProps(owned, { rule: { objectOwnership: "BucketOwnerPreferred" } })], ownership],
  },
  unknown: [bucket, withProps(owned, { rule: { objectOwnership: unknownString } })],
});

const keyArn = "arn:aws:kms:us-east-1:123456789012:key/1a2b";

function encryption(sseAlgorithm: string, kmsMasterKeyId?: string): TestResource {
  return configuring("ServerSideEncryptionConfiguration", {
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm, kmsMasterKeyId } }],
  });
}

const encrypt = /sseAlgorithm to aws:kms and kmsMasterKeyId to a KMS key's ARN/;

policyTests(bucketCustomerKey, {
  good: [bucket, encryption("aws:kms", keyArn)],
  passes: {
    "two layers": [bucket, encryption("aws:kms:dsse", keyArn)],
    "the deprecated type": [
      twin,
      {
        ...encryption("aws:kms", keyArn),
        type: "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
      },
    ],
  },
  refuses: {
    "no encryption configuration": [[bucket], encrypt],
    "S3's key": [[bucket, encryption("AES256")], encrypt],
    "no key": [[bucket, encryption("aws:kms")], encrypt],
    "AWS's key": [[bucket, encryption("aws:kms", "arn:aws:kms:us-east-1:1:alias/aws/s3")], encrypt],
  },
  unknown: [bucket, encryption("aws:kms", unknownString)],
});

const denial = {
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: ["arn:aws:s3:::videos-0a1b2c3", "arn:aws:s3:::videos-0a1b2c3/*"],
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};

function bucketPolicy(change: object): TestResource {
  return configuring("Policy", {
    policy: JSON.stringify({ Version: "2012-10-17", Statement: [{ ...denial, ...change }] }),
  });
}

const plain = /'videos' can be read without TLS\. Add a BucketPolicy/;

policyTests(bucketTlsOnly, {
  good: [bucket, bucketPolicy({})],
  passes: {
    "a document that is an object": [bucket, configuring("Policy", { policy: { Statement: denial } })],
    "every principal as AWS writes it, and a boolean": [
      bucket,
      bucketPolicy({ Principal: { AWS: "*" }, Condition: { Bool: { "aws:securetransport": false } } }),
    ],
  },
  refuses: {
    "no policy": [[bucket], plain],
    "invalid JSON": [[bucket, configuring("Policy", { policy: "{" })], plain],
    "an allowance": [[bucket, bucketPolicy({ Effect: "Allow" })], plain],
    "a denial for one principal": [[bucket, bucketPolicy({ Principal: { AWS: "arn:aws:iam::1:root" } })], plain],
    "a denial of one action": [[bucket, bucketPolicy({ Action: "s3:GetObject" })], plain],
    "a denial only on the bucket": [[bucket, bucketPolicy({ Resource: denial.Resource[0] })], plain],
    "a denial only on the objects": [[bucket, bucketPolicy({ Resource: denial.Resource[1] })], plain],
    "a denial of requests with TLS": [
      [bucket, bucketPolicy({ Condition: { Bool: { "aws:SecureTransport": "true" } } })],
      plain,
    ],
    "a denial unless the request lacks TLS": [
      [bucket, bucketPolicy({ Condition: { StringNotEquals: { "aws:SecureTransport": "false" } } })],
      plain,
    ],
    "a denial of services": [[bucket, bucketPolicy({ Principal: { Service: "*" } })], plain],
    "a denial with an element in lower case": [[bucket, bucketPolicy({ Effect: undefined, effect: "Deny" })], plain],
    "a denial under another condition as well": [
      [bucket, bucketPolicy({ Condition: { ...denial.Condition, StringEquals: { "aws:PrincipalAccount": "1" } } })],
      plain,
    ],
  },
  unknown: [bucket, configuring("Policy", { policy: unknownString })],
});

function lifecycle(...rules: object[]): TestResource {
  return configuring("LifecycleConfiguration", { rules });
}

const expiry = { id: "old", status: "Enabled", expiration: { days: 14 } };
const forever = /rules one with status Enabled and expiration\.days/;

policyTests(bucketLifecycle, {
  good: [bucket, lifecycle(expiry)],
  passes: {
    "one of several rules": [bucket, lifecycle({ status: "Enabled", abortIncompleteMultipartUpload: {} }, expiry)],
    "a date": [bucket, lifecycle({ ...expiry, expiration: { date: "2027-01-01T00:00:00Z" } })],
  },
  refuses: {
    "no lifecycle": [[bucket], forever],
    "no rule": [[bucket, lifecycle()], forever],
    "a rule that is off": [[bucket, lifecycle({ ...expiry, status: "Disabled" })], forever],
    "a rule that deletes only markers": [
      [bucket, lifecycle({ ...expiry, expiration: { expiredObjectDeleteMarker: true } })],
      forever,
    ],
  },
  unknown: [bucket, configuring("LifecycleConfiguration", { rules: unknownString })],
});
