/** What the doctor says of the quota. */
import assert from "node:assert/strict";
import { checkQuota } from "./quota.ts";
import { type FakeAws, quota, Refusal, startFakeAws } from "./testing/fake-aws.ts";

const name = "ml.g4dn.xlarge for endpoint usage";
const sizing = { instanceType: "ml.g4dn.xlarge", maxCapacity: 5 };

describe("the quota", () => {
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await startFakeAws();
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
  });

  it("is enough for maxCapacity, and no less", async () => {
    aws.answers.set("ListServiceQuotas", { Quotas: [quota(name, 5)] });
    assert.equal((await checkQuota(sizing, aws.access)).status, "ok");
    const { status, what, remedy } = await checkQuota({ ...sizing, maxCapacity: 6 }, aws.access);
    assert.equal(status, "problem");
    assert.match(what, /^5 ml\.g4dn\.xlarge for endpoint usage in us-east-1.* 6 \(maxCapacity\)/);
    assert.match(remedy ?? "", /--quota-code L-0A1B2C3D --desired-value 6 --region us-east-1/);
  });

  it("is looked up by its name on every page, and is not another type's or another use's", async () => {
    const others = [
      quota("ml.g4dn.xlarge for training job usage", 20),
      quota("ml.g4dn.2xlarge for endpoint usage", 20),
      quota("ml.g4dn.xlarge for spot training job usage", 20),
    ];
    aws.answers.set("ListServiceQuotas", (body) =>
      body.includes("second") ? { Quotas: [quota(name, 1)] } : { Quotas: others, NextToken: "second" },
    );
    const { status, what } = await checkQuota(sizing, aws.access);
    assert.equal(status, "problem");
    assert.match(what, /^1 ml\.g4dn\.xlarge for endpoint usage/);
  });

  it("is AWS's default where the account has no value of its own", async () => {
    aws.answers.set("ListServiceQuotas", { Quotas: [] });
    aws.answers.set("ListAWSDefaultServiceQuotas", { Quotas: [quota(name, 0)] });
    assert.match((await checkQuota(sizing, aws.access)).what, /^0 ml\.g4dn/);
  });

  it("is a problem where there is none of the type", async () => {
    const { status, what } = await checkQuota({ ...sizing, instanceType: "ml.g9.huge" }, aws.access);
    assert.equal(status, "problem");
    assert.match(what, /no quota "ml\.g9\.huge for endpoint usage"/);
  });

  it("could not be checked where that is denied", async () => {
    aws.answers.set("ListServiceQuotas", new Refusal(400, "AccessDeniedException"));
    const { status, what, remedy } = await checkQuota(sizing, aws.access);
    assert.equal(status, "warning");
    assert.match(what, /^could not be checked: AccessDeniedException/);
    assert.match(remedy ?? "", /servicequotas:ListServiceQuotas/);
  });
});
