/** What the bootstrap makes: who may take which role, what each may do, and where state is kept. */
import assert from "node:assert/strict";
import { allows, type Statement, statements } from "../infra/testing/documents.ts";
import { accountId, region, type Registrations, registrationsOf } from "../infra/testing/registrations.ts";

/** Imports index.ts anew: a module runs once for each address. */
let imports = 0;
function program(): Promise<unknown> {
  imports += 1;
  return import(`./index.ts?run=${imports}`);
}

async function bootstrap(config: Readonly<Record<string, string>> = {}) {
  const full = Object.entries({ repository: "team/videos", ...config }).map(([key, value]) => [
    `async-video-bootstrap:${key}`,
    value,
  ]);
  return await registrationsOf(program, {
    project: "async-video-bootstrap",
    config: Object.fromEntries(full) as Record<string, string>,
  });
}

/** What a role may do: the statements of all policies that it has. */
function allowed(registrations: Registrations, roleName: string): Statement[] {
  const attached = registrations
    .ofType("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    .filter(({ inputs }) => inputs["role"] === `${roleName}-0a1b2c3`)
    .map(({ inputs }) => String(inputs["policyArn"]).split(":").at(-1)?.replace("-0a1b2c3", ""));
  return attached.flatMap((name) => statements(registrations.one("aws:iam/policy:Policy", name).inputs["policy"]));
}

const actionsOf = (all: readonly Statement[]) => all.flatMap(({ Action }) => Action);

/** Whether an action changes nothing. */
const reads = (action: string) => /:(Get|List|Describe|Decrypt$)/.test(action);

describe("the bootstrap", () => {
  let registrations: Registrations;
  let outputs: Readonly<Record<string, unknown>>;

  before(async () => {
    ({ registrations, outputs } = await bootstrap());
  });

  it("trusts GitHub's tokens that are meant for AWS, without any key", () => {
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
    "async-video-ephemeral-deploy": ["repo:team/videos:environment:ephemeral"],
    "async-video-dev-preview": ["repo:team/videos:pull_request", "repo:team/videos:ref:refs/heads/main"],
    "async-video-production-preview": ["repo:team/videos:pull_request", "repo:team/videos:ref:refs/heads/main"],
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
        `arn:aws:s3:::async-video-state-0a1b2c3/${environment}/*`,
        "arn:aws:s3:::video-input-*/models/*",
      ]);
    }
  });

  it("writes no action with a wildcard, and names resources wherever AWS takes them", () => {
    for (const { name, inputs } of registrations.ofType("aws:iam/policy:Policy")) {
      for (const { Sid, Action, Resource } of statements(inputs["policy"])) {
        assert.ok(!Action.some((action) => action.includes("*")), `${name} ${Sid}`);
        assert.ok(Resource !== undefined && Resource.length > 0, `${name} ${Sid}`);
      }
    }
  });

  it("keeps every policy within IAM's 6,144 characters, and every role within ten policies", () => {
    for (const { name, inputs } of registrations.ofType("aws:iam/policy:Policy")) {
      const size = JSON.stringify(inputs["policy"]).length;
      // ARNs on AWS may be longer than those of the mocks: by the region, at most ap-southeast-1.
      assert.ok(size < 5_800, `${name}: ${size}`);
    }
    for (const name of Object.keys(subjects)) {
      const attachments = registrations.ofType("aws:iam/rolePolicyAttachment:RolePolicyAttachment");
      assert.ok(attachments.filter(({ inputs }) => inputs["role"] === `${name}-0a1b2c3`).length <= 10);
    }
  });

  it("lets production's deployments destroy neither data nor keys, and the others' theirs", () => {
    const destroys = (environment: string) =>
      allowed(registrations, `async-video-${environment}-deploy`).filter(
        ({ Action, Resource = [] }) =>
          Action.some((action) => ["s3:DeleteBucket", "kms:ScheduleKeyDeletion"].includes(action)) ||
          (Action.includes("s3:DeleteObject") && Resource.includes("arn:aws:s3:::video-*/*")),
      );
    assert.deepEqual(destroys("production"), []);
    assert.equal(destroys("dev").length, 3);
    assert.equal(destroys("ephemeral").length, 3);
  });

  it("keeps one environment's deployments from another's endpoints and keys, by their tags", () => {
    for (const [environment, stack] of Object.entries({ dev: "dev", production: "prod", ephemeral: "pr-*" })) {
      const all = allowed(registrations, `async-video-${environment}-deploy`);
      for (const sid of ["ChangeEndpoints", "ChangeAndUseKeys", "Invoke"]) {
        const { Condition } = all.find(({ Sid }) => Sid === sid) ?? {};
        assert.deepEqual(Condition?.["StringLike"], { "aws:ResourceTag/stack": stack }, sid);
      }
      const made = all.find(({ Sid }) => Sid === "MakeEndpoints")?.Condition;
      assert.deepEqual(made?.["StringLike"], { "aws:RequestTag/stack": stack });
    }
  });

  it("lets deployments keep and remove the log groups of endpoints, and no others", () => {
    const group = (name: string): string => `arn:aws:logs:${region}:${accountId}:log-group:${name}`;
    const actions = ["AssociateKmsKey", "CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "TagResource"];
    for (const environment of ["dev", "production", "ephemeral"]) {
      const all = allowed(registrations, `async-video-${environment}-deploy`);
      for (const action of [...actions, "UntagResource"].map((name) => `logs:${name}`)) {
        assert.ok(allows(all, { action, resource: group("/aws/sagemaker/Endpoints/video-endpoint-0a1b2c3") }), action);
        for (const other of ["/aws/sagemaker/Endpoints/other", "/aws/lambda/video-endpoint-0a1b2c3"]) {
          assert.ok(!allows(all, { action, resource: group(other) }), `${action} ${other}`);
        }
      }
    }
    for (const role of ["dev-preview", "dev-deploy"]) {
      const all = allowed(registrations, `async-video-${role}`);
      assert.ok(allows(all, { action: "logs:DescribeLogGroups", resource: group(":log-stream:") }), role);
      const resource = group("/aws/sagemaker/Endpoints/video-endpoint-0a1b2c3");
      assert.ok(allows(all, { action: "logs:ListTagsForResource", resource }), role);
    }
  });

  it("lets deployments make roles within the boundary alone, and hand one of them to SageMaker alone", () => {
    const boundary = outputs["permissionsBoundary"];
    const all = allowed(registrations, "async-video-dev-deploy");
    for (const action of ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"]) {
      const granting = all.filter(({ Action }) => Action.includes(action));
      assert.equal(granting.length, 1, action);
      const [{ Condition, Resource } = {}] = granting;
      assert.deepEqual(Condition?.["StringEquals"], { "iam:PermissionsBoundary": boundary });
      assert.deepEqual(Resource, [`arn:aws:iam::${accountId}:role/video-*`]);
    }
    assert.ok(!actionsOf(all).includes("iam:DeleteRolePermissionsBoundary"));
    const [pass, ...others] = all.filter(({ Action }) => Action.includes("iam:PassRole"));
    assert.deepEqual(others, []);
    assert.deepEqual(pass?.Resource, [`arn:aws:iam::${accountId}:role/video-execution-*`]);
    assert.deepEqual(pass.Condition, { StringEquals: { "iam:PassedToService": "sagemaker.amazonaws.com" } });
  });

  it("lets no role touch the bootstrap's own roles, policies and state of others", () => {
    for (const name of Object.keys(subjects)) {
      for (const { Sid, Action, Resource = [] } of allowed(registrations, name)) {
        if (Action.every(reads)) continue;
        for (const resource of Resource) {
          assert.doesNotMatch(resource, /^arn:aws:iam::\d+:(role|policy)\/(\*|async)/, `${name} ${Sid}`);
          if (!resource.includes("async-video-state")) continue;
          const own = name.replace(/^async-video-(\w+)-.*$/, "$1");
          assert.match(resource, new RegExp(`/${own}/\\*$|^arn:aws:kms`), `${name} ${Sid}`);
        }
      }
    }
  });

  it("lets deployments subscribe queues of stacks and of the smoke test, addresses for e-mail, and nothing else", () => {
    const all = allowed(registrations, "async-video-production-deploy").filter(({ Action }) =>
      Action.includes("sns:Subscribe"),
    );
    const subscribes = (protocol: string, endpoint: string) =>
      allows(all, {
        action: "sns:Subscribe",
        resource: `arn:aws:sns:${region}:${accountId}:video-success-0a1b2c3`,
        context: { "sns:Protocol": protocol, "sns:Endpoint": endpoint },
      });
    const queue = (name: string, account = accountId) => `arn:aws:sqs:${region}:${account}:${name}`;
    assert.ok(subscribes("sqs", queue("video-success-0a1b2c3")));
    assert.ok(subscribes("sqs", queue("smoke-1")));
    assert.ok(subscribes("email", "ops@example.com"));
    for (const [protocol, endpoint] of [
      ["sqs", queue("video-success", "210987654321")],
      ["sqs", queue("smoke-1", "210987654321")],
      ["sqs", queue("other")],
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

  it("bounds what a stack's roles can do by what they need", () => {
    const { policy } = registrations.one("aws:iam/policy:Policy", "async-video-boundary").inputs;
    const actions = actionsOf(statements(policy));
    for (const needed of ["sagemaker:InvokeEndpointAsync", "cloudwatch:DescribeAlarms"]) {
      assert.ok(actions.includes(needed), needed);
    }
    assert.ok(!actions.some((action) => /^(iam|sts|lambda):|Delete(Object|Bucket)|Create(Role|Key)$/.test(action)));
  });

  it("keeps state in a bucket that is private, versioned, encrypted and protected, each environment's in a folder", () => {
    const bucket = registrations.one("aws:s3/bucket:Bucket");
    const key = registrations.one("aws:kms/key:Key");
    assert.ok(bucket.protect && key.protect);
    assert.equal(key.inputs["enableKeyRotation"], true);
    assert.deepEqual(registrations.one("aws:s3/bucketVersioning:BucketVersioning").inputs["versioningConfiguration"], {
      status: "Enabled",
    });
    const { policy } = registrations.one("aws:s3/bucketPolicy:BucketPolicy").inputs;
    const [tls] = statements(policy);
    assert.equal(tls?.Effect, "Deny");
    assert.deepEqual(tls.Condition, { Bool: { "aws:SecureTransport": "false" } });
    const { rules } = registrations.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs;
    assert.ok(Array.isArray(rules));
    for (const rule of rules as { expiration?: unknown; filter: { prefix: string } }[]) {
      if (rule.expiration !== undefined) assert.match(rule.filter.prefix, /\/\.pulumi\/backups\/$/);
    }
  });

  it("says what to put into the repository's variables", () => {
    const role = (name: string) => `arn:aws:iam:${region}:${accountId}:async-video-${name}-0a1b2c3`;
    const backend = (folder: string) => `s3://async-video-state-0a1b2c3/${folder}?region=${region}`;
    const provider = `awskms:///arn:aws:kms:${region}:${accountId}:async-video-state-0a1b2c3?region=${region}`;
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
      EPHEMERAL_SECRETS_PROVIDER: provider,
    });
    assert.equal(outputs["secretsProvider"], provider);
  });

  it("makes what one account is for, with the identity provider that it has", async () => {
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

  it("compares the numbers of owner and repository where GitHub's tokens have them", async () => {
    const numbered = await bootstrap({ ownerId: "12", repositoryId: "345", environments: '["dev"]' });
    const { assumeRolePolicy } = numbered.registrations.one("aws:iam/role:Role", "async-video-dev-deploy").inputs;
    assert.match(JSON.stringify(assumeRolePolicy), /"repo:team@12\/videos@345:environment:dev"/);
    assert.doesNotMatch(JSON.stringify(assumeRolePolicy), /team\/videos/);
  });
});
