import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";
import { fakeDashboards } from "./testing/fake-cloudwatch.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";

describe("Dashboard", () => {
  let fake: FakeAws;
  let provider: TestProvider;

  before(async () => {
    fake = await startFakeAws(fakeDashboards());
    provider = await startTestProvider(fake.endpoint);
    await provider.configure({});
  });

  after(async () => {
    await provider.stop();
    await fake.stop();
  });

  it("is put completely, compared by meaning, replaced for another name, and deleted", async () => {
    const dashboard = provider.resource("aws:cloudwatch/dashboard:Dashboard");
    const wanted = (start: string) => ({ dashboardName: "video", dashboardBody: `{"start":"${start}","widgets":[]}` });
    await dashboard.create(wanted("-PT1H"));
    assert.deepEqual(provider.calls(), ["PutDashboard", "GetDashboard"]);
    assert.equal(dashboard.id, "video");
    assert.equal(dashboard.state["dashboardArn"], "arn:aws:cloudwatch::000000000000:dashboard/video");
    await dashboard.assertSettled(wanted("-PT1H"));
    const turned = { ...wanted(""), dashboardBody: '{"widgets":[],"start":"-PT1H"}' };
    assert.deepEqual((await dashboard.diff(turned)).changes, []);

    assert.deepEqual((await dashboard.diff(wanted("-PT3H"))).detailed, { dashboardBody: "update" });
    await dashboard.update(wanted("-PT3H"));
    await dashboard.assertSettled(wanted("-PT3H"));
    const other = await dashboard.diff({ ...wanted("-PT3H"), dashboardName: "other" });
    assert.deepEqual(other.replaces, ["dashboardName"]);
    await dashboard.delete();
    assert.equal(await dashboard.read(), undefined);
    await dashboard.delete();
  });
});
