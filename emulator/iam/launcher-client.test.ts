import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { after, before, describe, it } from "mocha";
import {
  CreateOpenIDConnectProviderCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { AssumeRoleWithWebIdentityCommandInput } from "@aws-sdk/client-sts";
import { allow, createRole, policyOf, sessionOf } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, signed, testAccount, testRegion } from "../testing/test-gateway.ts";
import { LauncherAuthorizer } from "./authorizer.ts";
import type { AuthorizationRequest } from "./authorizer.ts";

const queueArn = `arn:aws:sqs:${testRegion}:${testAccount}:jobs`;
const topicArn = `arn:aws:sns:${testRegion}:${testAccount}:done`;
const issuer = "token.actions.githubusercontent.com";
const subject = "repo:owner/videos:environment:dev";

describe("The launcher's interface", () => {
  let aws: TestAws;
  let authorizer: LauncherAuthorizer;

  before(async function () {
    this.timeout(60_000);
    aws = await startTestAws();
    authorizer = new LauncherAuthorizer(aws.launcher);
    const sqs = new SQSClient(sdkConfig(aws));
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "jobs" }));
    const Policy = policyOf({
      ...allow("FromTopic", "sqs:SendMessage", queueArn),
      Principal: { Service: "sns.amazonaws.com" },
      Condition: { ArnEquals: { "aws:SourceArn": topicArn } },
    });
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    sqs.destroy();
  });
  after(async function () {
    this.timeout(60_000);
    await aws.stop();
  });

  const send = (change: Partial<AuthorizationRequest> = {}) =>
    authorizer.authorize({
      caller: { service: "sns.amazonaws.com", sourceArn: topicArn, sourceAccount: testAccount },
      action: "sqs:SendMessage",
      resources: [queueArn],
      context: {},
      ...change,
    });

  describe("decides about a service", () => {
    it("that the resource's policy allows", async () => {
      assert.deepEqual(await send(), { allowed: true, message: "", policy: queueArn, sid: "FromTopic" });
    });

    it("that comes from another source", async () => {
      const caller = { service: "sns.amazonaws.com", sourceArn: `${topicArn}2` };
      const message = `User: sns.amazonaws.com is not authorized to perform: sqs:sendmessage on resource: ${queueArn} because no resource-based policy allows the sqs:sendmessage action`;
      assert.deepEqual(await send({ caller }), { allowed: false, message });
    });

    it("that the policy does not name", async () => {
      assert.equal((await send({ caller: { service: "events.amazonaws.com", sourceArn: topicArn } })).allowed, false);
    });
  });

  describe("decides about a role", () => {
    const model = (name: string): string => `arn:aws:sagemaker:${testRegion}:${testAccount}:model/${name}`;
    let roleArn: string;
    before(async () => {
      const Condition = { StringEquals: { "aws:RequestTag/stack": "local" } };
      roleArn = await createRole(aws, "maker", {
        allow: [{ ...allow("Make", "sagemaker:CreateModel", model("video-*")), Condition }],
      });
    });
    const make = (resources: readonly string[], context: AuthorizationRequest["context"]) =>
      authorizer.authorize({
        caller: { roleArn, sessionName: "job" },
        action: "sagemaker:CreateModel",
        resources,
        context,
      });

    it("with the request's condition keys", async () => {
      const decision = await make([model("video-1")], { "aws:RequestTag/stack": "local" });
      assert.deepEqual(decision, { allowed: true, message: "", policy: "own", sid: "Make" });
      assert.equal((await make([model("video-1")], { "aws:RequestTag/stack": "dev" })).allowed, false);
    });

    it("and allows a call only for all its resources", async () => {
      const { allowed, message } = await make([model("video-1"), model("other")], { "aws:RequestTag/stack": "local" });
      assert.equal(allowed, false);
      assert.match(message, /assumed-role\/maker\/job .* on resource: \S+model\/other because/);
    });

    it("by the role's ARN in aws:PrincipalArn, not the session's", async () => {
      const key = new KMSClient(sdkConfig(aws));
      const account = { ...allow("Account", "kms:*"), Principal: { AWS: `arn:aws:iam::${testAccount}:root` } };
      const Condition = { ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${testAccount}:role/kept-out-*` } };
      const Policy = policyOf(account, { ...account, Sid: "KeepOut", Effect: "Deny", Principal: "*", Condition });
      const { KeyMetadata } = await key.send(new CreateKeyCommand({ Policy, BypassPolicyLockoutSafetyCheck: true }));
      key.destroy();
      const use = { action: "kms:Decrypt", resources: [KeyMetadata?.Arn ?? ""] };
      for (const [name, allowed] of [
        ["kept-out-1", false],
        ["let-in", true],
      ] as const) {
        const caller = { roleArn: await createRole(aws, name, { allow: [allow("Decrypt", "kms:Decrypt")] }) };
        assert.equal((await send({ ...use, caller })).allowed, allowed, name);
      }
    });

    it("that does not exist", async () => {
      const caller = { roleArn: `${roleArn}2` };
      const decision = await authorizer.authorize({ caller, action: "s3:GetObject", resources: ["*"], context: {} });
      assert.deepEqual(decision, { allowed: false, message: `There is no role ${roleArn}2.` });
    });
  });

  it("decides about a caller by its access key", async () => {
    const { accessKeyId } = await sessionOf(aws, "describer", { allow: [allow("See", "sagemaker:DescribeEndpoint")] });
    const ask = (action: string) =>
      authorizer.authorize({ caller: { accessKeyId }, action, resources: ["*"], context: {} });
    assert.equal((await ask("sagemaker:DescribeEndpoint")).allowed, true);
    assert.equal((await ask("sagemaker:DeleteEndpoint")).allowed, false);
    const stranger = await authorizer.authorize({
      caller: { accessKeyId: "AKIAIOSFODNN7EXAMPLE" },
      action: "s3:GetObject",
      resources: ["*"],
      context: {},
    });
    assert.equal(stranger.allowed, false);
  });

  it("decides about plain HTTP", async () => {
    const s3 = new S3Client({ ...sdkConfig(aws), forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: "secure" }));
    const Condition = { Bool: { "aws:SecureTransport": "false" } };
    const Policy = policyOf({
      Sid: "Https",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: "arn:aws:s3:::secure/*",
      Condition,
    });
    await s3.send(new PutBucketPolicyCommand({ Bucket: "secure", Policy }));
    s3.destroy();
    const { accessKeyId } = aws.credentials;
    const ask = (context: Record<string, string>) =>
      authorizer.authorize({
        caller: { accessKeyId },
        action: "s3:GetObject",
        resources: ["arn:aws:s3:::secure/a"],
        context,
      });
    assert.equal((await ask({})).allowed, true);
    assert.equal((await ask({ "aws:SecureTransport": "false" })).sid, "Https");
  });

  it("answers npm run explain without recording a denial", async () => {
    const before = await aws.launcher.denials();
    const url = `${aws.url}/_local/explain`;
    const roleArn = await createRole(aws, "explained");
    const body = JSON.stringify({ roleArn, action: "s3:GetObject", resources: ["arn:aws:s3:::videos/a"] });
    const answer = await fetch(url, await signed(url, { service: "sts", body }));
    assert.match(JSON.stringify(await answer.json()), /"allowed":false,"message":"User: .*explained/);
    assert.deepEqual(await aws.launcher.denials(), before);
  });

  it("shows the denials only to the administrator", async () => {
    const credentials = await sessionOf(aws, "curious", { allow: [allow("All", "*")] });
    const url = `${aws.url}/_local/denials`;
    assert.equal((await fetch(url, await signed(url, { service: "sts", credentials }))).status, 403);
    assert.equal((await fetch(url)).status, 403);
  });

  it("lets only the administrator await a moment of the stack's clock", async () => {
    const credentials = await sessionOf(aws, "impatient", { allow: [allow("All", "*")] });
    const url = `${aws.url}/_local/await`;
    const request = { service: "sts", body: JSON.stringify({ until: "2030-01-01T00:00:00Z" }) };
    assert.equal((await fetch(url, await signed(url, request))).status, 200);
    assert.equal((await fetch(url, await signed(url, { ...request, credentials }))).status, 403);
  });

  for (const body of ["", "until 8", '{"until":"8:00"}', '{"until":"2030-01-01T08:00:00"}']) {
    it(`refuses to await ${body === "" ? "nothing" : body}`, async () => {
      const url = `${aws.url}/_local/await`;
      const answer = await fetch(url, await signed(url, { service: "sts", method: "POST", body }));
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /Send until, a time in UTC/);
    });
  }

  it("refuses requests without its bearer token", async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { authorization: "Bearer wrong" };
      const request = httpRequest({
        socketPath: aws.socketPath,
        path: "/_credentials",
        method: "POST",
        headers,
        agent: false,
      });
      request.on("response", (response) => {
        resolve(response.resume().statusCode);
      });
      request.on("error", reject);
      request.end(JSON.stringify({ accessKeyId: aws.credentials.accessKeyId }));
    });
    assert.equal(status, 403);
  });

  describe("with a web identity", () => {
    let RoleArn: string;
    before(async () => {
      const iam = new IAMClient(sdkConfig(aws));
      const { OpenIDConnectProviderArn: Federated } = await iam.send(
        new CreateOpenIDConnectProviderCommand({ Url: `https://${issuer}`, ClientIDList: ["sts.amazonaws.com"] }),
      );
      const trust = policyOf({
        Effect: "Allow",
        Principal: { Federated },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: { StringEquals: { [`${issuer}:aud`]: "sts.amazonaws.com", [`${issuer}:sub`]: subject } },
      });
      const { Role } = await iam.send(new CreateRoleCommand({ RoleName: "deploy", AssumeRolePolicyDocument: trust }));
      RoleArn = Role?.Arn ?? "";
      const PolicyDocument = policyOf(allow("Buckets", "s3:CreateBucket"));
      await iam.send(new PutRolePolicyCommand({ RoleName: "deploy", PolicyName: "own", PolicyDocument }));
      iam.destroy();
    });
    const claims = { iss: `https://${issuer}`, aud: "sts.amazonaws.com", sub: subject };
    const assume = async (change: object = {}, more: Partial<AssumeRoleWithWebIdentityCommandInput> = {}) => {
      const encoded = [{ alg: "none" }, { ...claims, ...change }].map((part) =>
        Buffer.from(JSON.stringify(part)).toString("base64url"),
      );
      const sts = new STSClient({ endpoint: aws.url, region: testRegion, maxAttempts: 1 });
      const WebIdentityToken = `${encoded.join(".")}.`;
      const input = { RoleArn, RoleSessionName: "workflow", WebIdentityToken, ...more };
      try {
        return await sts.send(new AssumeRoleWithWebIdentityCommand(input));
      } finally {
        sts.destroy();
      }
    };

    const sessionWith = async (more: Partial<AssumeRoleWithWebIdentityCommandInput> = {}) => {
      const { Credentials } = await assume({}, more);
      return {
        accessKeyId: Credentials?.AccessKeyId ?? "",
        secretAccessKey: Credentials?.SecretAccessKey ?? "",
        sessionToken: Credentials?.SessionToken ?? "",
      };
    };

    it("opens a session of the role that trusts it", async () => {
      const credentials = await sessionWith();
      const sts = new STSClient(sdkConfig(aws, credentials));
      const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
      assert.equal(Arn, `arn:aws:sts::${testAccount}:assumed-role/deploy/workflow`);
      const s3 = new S3Client({ ...sdkConfig(aws, credentials), forcePathStyle: true });
      await s3.send(new CreateBucketCommand({ Bucket: "deployed" }));
      sts.destroy();
      s3.destroy();
    });

    it("takes the audience that the provider lists from several", async () => {
      const { Credentials } = await assume({ aud: ["other", "sts.amazonaws.com"] });
      assert.ok(Credentials);
    });

    for (const [title, change, code, message] of [
      [
        "another subject",
        { sub: `${subject}2` },
        "AccessDenied",
        /^Not authorized to perform sts:AssumeRoleWithWebIdentity$/,
      ],
      [
        "an audience that the provider does not list",
        { aud: "other" },
        "InvalidIdentityTokenException",
        /Incorrect token audience/,
      ],
      ["audiences that are no text", { aud: [{}] }, "InvalidIdentityTokenException", /Incorrect token audience/],
      [
        "an issuer without a provider",
        { iss: "https://example.com" },
        "InvalidIdentityTokenException",
        /No OpenIDConnect provider found/,
      ],
      ["an expired token", { exp: 1 }, "ExpiredTokenException", /Token expired/],
    ] as const) {
      it(`refuses ${title}`, async () => {
        await assert.rejects(assume(change), (error: Error) => {
          assert.equal(error.name, code);
          assert.match(error.message, message);
          return true;
        });
      });
    }

    it("refuses a session that is longer than the role allows", async () => {
      await assert.rejects(assume({}, { DurationSeconds: 7200 }), /exceeds the MaxSessionDuration/);
    });

    describe("limits the session by the request's session policies", () => {
      const mayCreate = async (more: Partial<AssumeRoleWithWebIdentityCommandInput>) => {
        const { accessKeyId } = await sessionWith(more);
        const resources = ["arn:aws:s3:::deployed"];
        return await authorizer.authorize({
          caller: { accessKeyId },
          action: "s3:CreateBucket",
          resources,
          context: {},
        });
      };
      const denied = /assumed-role\/deploy\/workflow .* because no session policy allows the s3:CreateBucket action/;

      it("to what the inline policy allows", async () => {
        assert.equal((await mayCreate({ Policy: policyOf(allow("Create", "s3:CreateBucket")) })).allowed, true);
        assert.match((await mayCreate({ Policy: policyOf(allow("Read", "s3:GetObject")) })).message, denied);
      });

      it("to what a managed policy allows", async () => {
        const iam = new IAMClient(sdkConfig(aws));
        const arnOf = async (PolicyName: string, action: string) => {
          const PolicyDocument = policyOf(allow("One", action));
          return (await iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument }))).Policy?.Arn;
        };
        const [creates, reads] = [await arnOf("creates", "s3:CreateBucket"), await arnOf("reads", "s3:GetObject")];
        iam.destroy();
        assert.equal((await mayCreate({ PolicyArns: [{ arn: reads }, { arn: creates }] })).allowed, true);
        assert.match((await mayCreate({ PolicyArns: [{ arn: reads }] })).message, denied);
      });

      it("and no later session", async () => {
        await sessionWith({ Policy: policyOf(allow("Read", "s3:GetObject")) });
        assert.equal((await mayCreate({})).allowed, true);
      });

      it("and refuses invalid ones", async () => {
        await assert.rejects(assume({}, { Policy: "{" }), { name: "MalformedPolicyDocumentException" });
        const arn = `arn:aws:iam::${testAccount}:policy/missing`;
        await assert.rejects(assume({}, { PolicyArns: [{ arn }] }), /does not match an existing IAM Managed Policy/);
      });
    });

    it("is the only call that needs no signature", async () => {
      const body = new URLSearchParams({ Action: "GetCallerIdentity", Version: "2011-06-15" });
      const answer = await fetch(aws.url, { method: "POST", body });
      assert.equal(answer.status, 403);
      assert.match(await answer.text(), /MissingAuthenticationToken/);
    });
  });
});
