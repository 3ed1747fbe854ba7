/** Tests the bootstrap's resources: the roles, who may assume them, their permissions, and the storage of state. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { allows, statements } from "../testing/documents.ts";
import type { Statement } from "../testing/documents.ts";
import { accountId, region } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";
import { allowed, bootstrap, boundaryOf } from "./testing/registered.ts";

const actionsOf = (all: readonly Statement[]) => all.flatMap(({ Action }) => Action);

/** Returns true if an action changes nothing. */
const reads = (action: string) => /:(Get|List|Describe|Decrypt$)/.test(action);

describe("the bootstrap", () => {
  let registrations: Registrations;
  let outputs: Readonly<Record<string, unknown>>;

  before(async () => {
    ({ registrations, outputs } = await bootstrap());
  });

  it("trusts GitHub's tokens with AWS's audience, without any key", () => {
    const provider = registrations.one("aws:iam/openIdConnectProvider:OpenIdConnectProvider");
    assert.deepEqual(provider.inputs, {
      url: "https://token.actions.githubusercontent.com",
      clientIdLists: ["sts.amazonaws.com"],
    });
    assert.deepEqual(registrations.ofType("aws:iam/accessKey:AccessKey"), []);
  });

  const subjects: Readonly<Record<string, readonly string[]>> = {
    "async-video-dev-deploy": ["repo:team/videos:environment:dev"],
    "async-video-production-deploy": ["repo:team/videos:environment:production"],
    "async-video-ephemeral-deploy": [
      "repo:team/videos:environment:ephemeral",
      "repo:team/videos:environment:ephemeral-destroy",
    ],
    "async-video-dev-preview": ["repo:team/videos:environment:preview"],
    "async-video-production-preview": ["repo:team/videos:environment:preview"],
  };

  it("has a role for each environment's deployments and previews, each for exact subjects and one audience", () => {
    const roles = registrations.ofType("aws:iam/role:Role");
    assert.deepEqual(roles.map(({ name }) => name).sort(), Object.keys(subjects).sort());
    for (const { name, inputs } of roles) {
      assert.deepEqual(
        statements(inputs["assumeRolePolicy"]),
        [
          {
            Effect: "Allow",
            Principal: {
              Federated: `arn:aws:iam::${accountId}:oidc-provider/token.actions.githubusercontent.com`,
            },
            Action: ["sts:AssumeRoleWithWebIdentity"],
            Condition: {
              StringEquals: {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": subjects[name],
              },
            },
          },
        ],
        name,
      );
    }
  });

  it("lets previews change nothing, and read no video, no result and no other environment's state", () => {
    for (const environment of ["dev", "production"]) {
      const all = allowed(registrations, `async-video-${environment}-preview`);
      assert.ok(all.length > 10);
      assert.deepEqual(
        actionsOf(all).filter((action) => !reads(action)),
        [],
      );
      const objects = all.filter(({ Action }) => Action.includes("s3:GetObject")).flatMap(({ Resource }) => Resource);
      assert.deepEqual(objects.sort(), [
        `arn:aws:s3:::async-video-${environment}-state-0a1b2c3/${environment}/*`,
        `arn:aws:s3:::video-${environment === "dev" ? "dev" : "prod"}-input-*/models/*`,
      ]);
    }
  });

  it("writes no action with a wildcard, and names resources for every action that supports them", () => {
    for (const { name, inputs } of registrations.ofType("aws:iam/policy:Policy")) {
      for (const { Sid, Action, Resource } of statements(inputs["policy"])) {
        assert.ok(!Action.some((action) => action.includes("*")), `${name} ${Sid}`);
        assert.ok(Resource !== undefined && Resource.length > 0, `${name} ${Sid}`);
      }
    }
  });

  it("keeps every managed policy within IAM's 6,144 characters, and every role within 10 of them", () => {
    const sizes = new Map<string, number>();
    for (const { name, inputs } of registrations.ofType("aws:iam/policy:Policy")) {
      // With the longest region and partition, and the format of real ARNs, which is longer than the mocks'.
      const real = JSON.stringify(inputs["policy"])
        .replaceAll(/(arn:aws:kms:[^"]*:)async-video[^"]*/g, "$1key/0a1b2c3d-0000-1111-2222-333344445555")
        .replaceAll(/arn:aws:iam:[a-z0-9-]+:(\d+):async/g, "arn:aws:iam::$1:policy/async")
        .replaceAll(region, "ap-southeast-1")
        .replaceAll("arn:aws:", "arn:aws-us-gov:");
      sizes.set(name, real.length);
    }
    assert.ok(sizes.size >= 20);
    assert.deepEqual(
      [...sizes].filter(([, size]) => size > 6_144),
      [],
    );
    const attachments = registrations.ofType("aws:iam/rolePolicyAttachment:RolePolicyAttachment");
    for (const name of Object.keys(subjects)) {
      const count = attachments.filter(({ inputs }) => inputs["role"] === `${name}-0a1b2c3`).length;
      assert.ok(count > 0 && count <= 10, `${name}: ${count}`);
    }
  });

  it("allows the deployments of dev and of pull requests to destroy data, but not production's", () => {
    const destroys = (environment: string) =>
      allowed(registrations, `async-video-${environment}-deploy`).filter(
        ({ Action, Resource = [] }) =>
          Action.includes("s3:DeleteBucket") ||
          (Action.includes("s3:DeleteObject") && Resource.some((each) => /:video-(dev|pr|prod)-\*\/\*$/.test(each))),
      );
    assert.deepEqual(destroys("production"), []);
    assert.equal(destroys("dev").length, 2);
    assert.equal(destroys("ephemeral").length, 2);
  });

  it("allows deployments to create and delete the log groups of their endpoints, and no others", () => {
    const group = (name: string): string => `arn:aws:logs:${region}:${accountId}:log-group:${name}`;
    const actions = ["AssociateKmsKey", "CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "TagResource"];
    for (const [environment, stack] of Object.entries({ dev: "dev", production: "prod", ephemeral: "pr-7" })) {
      const all = allowed(registrations, `async-video-${environment}-deploy`);
      for (const action of [...actions, "UntagResource"].map((name) => `logs:${name}`)) {
        const own = group(`/aws/sagemaker/Endpoints/video-${stack}-endpoint-0a1b2c3`);
        assert.ok(allows(all, { action, resource: own }), action);
        for (const other of ["sagemaker/Endpoints/other", `lambda/video-${stack}-endpoint-0a1b2c3`]) {
          assert.ok(!allows(all, { action, resource: group(`/aws/${other}`) }), `${action} ${other}`);
        }
      }
    }
    for (const role of ["dev-preview", "dev-deploy"]) {
      const all = allowed(registrations, `async-video-${role}`);
      assert.ok(allows(all, { action: "logs:DescribeLogGroups", resource: group(":log-stream:") }), role);
      const resource = group("/aws/sagemaker/Endpoints/video-dev-endpoint-0a1b2c3");
      assert.ok(allows(all, { action: "logs:ListTagsForResource", resource }), role);
    }
  });

  it("allows deployments to create roles only within the boundary, and to pass one of them only to SageMaker", () => {
    const { dev: boundary } = outputs["permissionsBoundaries"] as Readonly<Record<string, string>>;
    assert.equal(boundary, `arn:aws:iam:${region}:${accountId}:async-video-dev-boundary-0a1b2c3`);
    const all = allowed(registrations, "async-video-dev-deploy");
    for (const action of ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"]) {
      const granting = all.filter(({ Action }) => Action.includes(action));
      assert.equal(granting.length, 1, action);
      const [{ Condition, Resource } = {}] = granting;
      assert.deepEqual(Condition?.["StringEquals"], { "iam:PermissionsBoundary": boundary });
      assert.deepEqual(Resource, [`arn:aws:iam::${accountId}:role/video-dev-*`]);
    }
    assert.ok(!actionsOf(all).includes("iam:DeleteRolePermissionsBoundary"));
    const [pass, ...others] = all.filter(({ Action }) => Action.includes("iam:PassRole"));
    assert.deepEqual(others, []);
    assert.deepEqual(pass?.Resource, [`arn:aws:iam::${accountId}:role/video-dev-execution-*`]);
    assert.deepEqual(pass.Condition, { StringEquals: { "iam:PassedToService": "sagemaker.amazonaws.com" } });
  });

  it("allows deployments to subscribe queues of stacks and of the smoke test, e-mail addresses, and nothing else", () => {
    const all = allowed(registrations, "async-video-production-deploy").filter(({ Action }) =>
      Action.includes("sns:Subscribe"),
    );
    const subscribes = (protocol: string, endpoint: string) =>
      allows(all, {
        action: "sns:Subscribe",
        resource: `arn:aws:sns:${region}:${accountId}:video-prod-success-0a1b2c3`,
        context: { "sns:Protocol": protocol, "sns:Endpoint": endpoint },
      });
    const queue = (name: string, account = accountId) => `arn:aws:sqs:${region}:${account}:${name}`;
    assert.ok(subscribes("sqs", queue("video-prod-success-0a1b2c3")));
    assert.ok(subscribes("sqs", queue("video-prod-smoke-1")));
    assert.ok(subscribes("email", "ops@example.com"));
    for (const [protocol, endpoint] of [
      ["sqs", queue("video-prod-success", "210987654321")],
      ["sqs", queue("video-prod-smoke-1", "210987654321")],
      ["sqs", queue("other")],
      ["sqs", queue("video-dev-success-0a1b2c3")],
      ["http", "http://attacker.example/"],
      ["https", "https://attacker.example/"],
      ["email-json", "attacker@example.com"],
      ["sms", "+15550100"],
      ["lambda", `arn:aws:lambda:${region}:210987654321:function:f`],
      ["firehose", `arn:aws:firehose:${region}:210987654321:deliverystream/s`],
    ] as const) {
      assert.ok(!subscribes(protocol, endpoint), `${protocol} ${endpoint}`);
    }
  });

  it("limits the roles of an environment's stacks to the permissions that they need", () => {
    for (const environment of ["dev", "production", "ephemeral"]) {
      const actions = actionsOf(statements(boundaryOf(registrations, environment)));
      for (const needed of ["sagemaker:InvokeEndpointAsync", "cloudwatch:DescribeAlarms"]) {
        assert.ok(actions.includes(needed), needed);
      }
      assert.ok(!actions.some((action) => /^(iam|sts|lambda):|Delete(Object|Bucket)|Create(Role|Key)$/.test(action)));
    }
  });

  for (const environment of ["dev", "production", "ephemeral"]) {
    it(`keeps the state of ${environment} in a separate bucket: private, versioned, encrypted by a separate key, protected`, () => {
      const name = `async-video-${environment}-state`;
      const bucket = registrations.one("aws:s3/bucket:Bucket", name);
      const key = registrations.one("aws:kms/key:Key", name);
      assert.ok(bucket.protect && key.protect);
      assert.equal(key.inputs["enableKeyRotation"], true);
      const encryption = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
      assert.match(
        JSON.stringify(registrations.one(encryption, name).inputs["rules"]),
        new RegExp(`"kmsMasterKeyId":"arn:aws:kms:[^"]*:${name}-0a1b2c3"`),
      );
      const { versioningConfiguration } = registrations.one("aws:s3/bucketVersioning:BucketVersioning", name).inputs;
      assert.deepEqual(versioningConfiguration, { status: "Enabled" });
      const [tls] = statements(registrations.one("aws:s3/bucketPolicy:BucketPolicy", name).inputs["policy"]);
      assert.equal(tls?.Effect, "Deny");
      assert.deepEqual(tls.Condition, { Bool: { "aws:SecureTransport": "false" } });
      const lifecycle = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration";
      const { rules } = registrations.one(lifecycle, name).inputs;
      assert.ok(Array.isArray(rules));
      for (const rule of rules as { expiration?: unknown; filter: { prefix: string } }[]) {
        if (rule.expiration !== undefined) assert.equal(rule.filter.prefix, `${environment}/.pulumi/backups/`);
      }
    });
  }

  it("outputs the values of the repository's variables", () => {
    const role = (name: string) => `arn:aws:iam:${region}:${accountId}:async-video-${name}-0a1b2c3`;
    const backend = (name: string) => `s3://async-video-${name}-state-0a1b2c3/${name}?region=${region}`;
    const provider = (name: string) =>
      `awskms:///arn:aws:kms:${region}:${accountId}:async-video-${name}-state-0a1b2c3?region=${region}`;
    assert.deepEqual(outputs["repositoryVariables"], {
      AWS_REGION: region,
      DEV_DEPLOY_ROLE: role("dev-deploy"),
      DEV_PREVIEW_ROLE: role("dev-preview"),
      DEV_BACKEND_URL: backend("dev"),
      PROD_DEPLOY_ROLE: role("production-deploy"),
      PROD_PREVIEW_ROLE: role("production-preview"),
      PROD_BACKEND_URL: backend("production"),
      EPHEMERAL_DEPLOY_ROLE: role("ephemeral-deploy"),
      EPHEMERAL_BACKEND_URL: backend("ephemeral"),
      EPHEMERAL_SECRETS_PROVIDER: provider("ephemeral"),
    });
    assert.deepEqual(outputs["secretsProviders"], {
      dev: provider("dev"),
      production: provider("production"),
      ephemeral: provider("ephemeral"),
    });
  });

  it("creates only the resources of the account's environments, with an existing identity provider", async () => {
    const identityProviderArn = `arn:aws:iam::${accountId}:oidc-provider/token.actions.githubusercontent.com`;
    const prod = await bootstrap({ environments: '["production"]', identityProviderArn });
    assert.deepEqual(prod.registrations.ofType("aws:iam/openIdConnectProvider:OpenIdConnectProvider"), []);
    assert.deepEqual(
      prod.registrations
        .ofType("aws:iam/role:Role")
        .map(({ name }) => name)
        .sort(),
      ["async-video-production-deploy", "async-video-production-preview"],
    );
  });

  it("warns if production shares the account, and only then", async () => {
    const { warn } = console;
    const warnings: string[] = [];
    console.warn = (text: string) => warnings.push(text);
    try {
      await bootstrap({ environments: '["production"]' });
      await bootstrap({ environments: '["dev","ephemeral"]' });
      assert.deepEqual(warnings, []);
      await bootstrap();
    } finally {
      console.warn = warn;
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings.join(), /production shares this account with dev and ephemeral/);
  });

  it("compares the numbers of owner and repository if GitHub's tokens contain them", async () => {
    const numbered = await bootstrap({ ownerId: "12", repositoryId: "345", environments: '["dev"]' });
    const { assumeRolePolicy } = numbered.registrations.one("aws:iam/role:Role", "async-video-dev-deploy").inputs;
    assert.match(JSON.stringify(assumeRolePolicy), /"repo:team@12\/videos@345:environment:dev"/);
    assert.doesNotMatch(JSON.stringify(assumeRolePolicy), /team\/videos/);
  });
});
