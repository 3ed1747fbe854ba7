/** Tests the doctor's check of the quota. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { checkQuota } from "./quota.ts";
import { quota, Refusal, startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";

const name = "ml.g4dn.xlarge for endpoint usage";
/** No other stack. */
const unshared = { stacks: [], unknown: [] };
const sizing = { instanceType: "ml.g4dn.xlarge", maxCapacity: 5 };

describe("the quota", () => {
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await startFakeAws();
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
  });

  it("is ok only if it is enough for an update at maxCapacity", async () => {
    aws.answers.set("ListServiceQuotas", { Quotas: [quota(name, 6)] });
    assert.equal((await checkQuota(sizing, unshared, aws.access)).status, "ok");
    aws.answers.set("ListServiceQuotas", { Quotas: [quota(name, 5)] });
    const { status, what, remedy } = await checkQuota(sizing, unshared, aws.access);
    assert.equal(status, "problem");
    assert.match(
      what,
      /^5 ml\.g4dn\.xlarge for endpoint usage in us-east-1, .* needs 6: 5 old instances and a new one/,
    );
    assert.match(remedy ?? "", /--quota-code L-0A1B2C3D --desired-value 6 --region us-east-1/);
  });

  it("is a warning if the stacks that share it may start more together", async () => {
    const sharing = {
      stacks: [
        { name: "dev", maxCapacity: 2 },
        { name: "pr-7", maxCapacity: 1 },
      ],
      unknown: [],
    };
    aws.answers.set("ListServiceQuotas", { Quotas: [quota(name, 9)] });
    assert.equal((await checkQuota(sizing, sharing, aws.access)).status, "ok");
    aws.answers.set("ListServiceQuotas", { Quotas: [quota(name, 8)] });
    const { status, what, remedy } = await checkQuota(sizing, sharing, aws.access);
    assert.equal(status, "warning");
    assert.match(what, /with the stacks that share the quota \(dev 2, pr-7 1\), 9 are needed$/);
    assert.match(remedy ?? "", /--desired-value 9/);
  });

  it("is a warning if a stack that may share it could not be counted", async () => {
    const sharing = { stacks: [], unknown: ["pull requests' stacks (no CLI)"] };
    const { status, what } = await checkQuota(sizing, sharing, aws.access);
    assert.equal(status, "warning");
    assert.match(what, /not counted: pull requests' stacks \(no CLI\)$/);
  });

  it("is found by its name on every page, and not confused with another type's or another use's", async () => {
    const others = [
      quota("ml.g4dn.xlarge for training job usage", 20),
      quota("ml.g4dn.2xlarge for endpoint usage", 20),
      quota("ml.g4dn.xlarge for spot training job usage", 20),
    ];
    aws.answers.set("ListServiceQuotas", (body) =>
      body.includes("second") ? { Quotas: [quota(name, 1)] } : { Quotas: others, NextToken: "second" },
    );
    const { status, what } = await checkQuota(sizing, unshared, aws.access);
    assert.equal(status, "problem");
    assert.match(what, /^1 ml\.g4dn\.xlarge for endpoint usage/);
  });

  it("is AWS's default if the account has no value", async () => {
    aws.answers.set("ListServiceQuotas", { Quotas: [] });
    aws.answers.set("ListAWSDefaultServiceQuotas", { Quotas: [quota(name, 0)] });
    assert.match((await checkQuota(sizing, unshared, aws.access)).what, /^0 ml\.g4dn/);
  });

  it("is a problem if the type has none", async () => {
    const { status, what } = await checkQuota({ ...sizing, instanceType: "ml.g9.huge" }, unshared, aws.access);
    assert.equal(status, "problem");
    assert.match(what, /no quota "ml\.g9\.huge for endpoint usage"/);
  });

  it("is unchecked if access is denied", async () => {
    aws.answers.set("ListServiceQuotas", new Refusal(400, "AccessDeniedException"));
    const { status, what, remedy } = await checkQuota(sizing, unshared, aws.access);
    assert.equal(status, "warning");
    assert.match(what, /^could not be checked: AccessDeniedException/);
    assert.match(remedy ?? "", /servicequotas:ListServiceQuotas/);
  });
});
