/** Tests the inputs, results and refusals of CloudWatch's dashboard operations. */

import assert from "node:assert/strict";
import type { GetDashboardOutput, ListDashboardsOutput, ListTagsForResourceOutput } from "@aws-sdk/client-cloudwatch";
import { describe, it } from "mocha";
import { MonitoringHarness } from "./harness.ts";

const DashboardBody = JSON.stringify({
  widgets: [{ type: "text", x: 0, y: 0, width: 24, height: 2, properties: { markdown: "Videos" } }],
});
const dashboard = { DashboardName: "videos-dev", DashboardBody };
const arn = "arn:aws:cloudwatch::000000000000:dashboard/videos-dev";

describe("dashboards", () => {
  it("are kept as they were put, listed by prefix, tagged, and deleted", async () => {
    const harness = new MonitoringHarness();
    await harness.call("PutDashboard", { ...dashboard, Tags: [{ Key: "a", Value: "1" }] });
    await harness.call("PutDashboard", { ...dashboard, DashboardName: "other" });
    const found = await harness.call<GetDashboardOutput>("GetDashboard", { DashboardName: "videos-dev" });
    assert.deepEqual(found, { DashboardArn: arn, ...dashboard });
    const { DashboardEntries } = await harness.call<ListDashboardsOutput>("ListDashboards", {
      DashboardNamePrefix: "vid",
    });
    assert.deepEqual(DashboardEntries, [
      { DashboardName: "videos-dev", DashboardArn: arn, LastModified: harness.at(0), Size: DashboardBody.length },
    ]);
    const { Tags } = await harness.call<ListTagsForResourceOutput>("ListTagsForResource", { ResourceARN: arn });
    assert.deepEqual(Tags, [{ Key: "a", Value: "1" }]);
    await harness.call("DeleteDashboards", { DashboardNames: ["videos-dev"] });
    await assert.rejects(harness.call("GetDashboard", { DashboardName: "videos-dev" }), {
      code: "DashboardNotFoundError",
      message: "Dashboard videos-dev does not exist",
    });
  });

  it("are deleted together or, if one does not exist, not at all", async () => {
    const harness = new MonitoringHarness();
    await harness.call("PutDashboard", dashboard);
    const DashboardNames = ["videos-dev", "none"];
    await assert.rejects(harness.call("DeleteDashboards", { DashboardNames }), { code: "DashboardNotFoundError" });
    assert.ok(await harness.call("GetDashboard", { DashboardName: "videos-dev" }));
  });

  const refusals: [string, object][] = [
    ["a body that is not JSON", { DashboardBody: "{" }],
    ["a body without widgets", { DashboardBody: "{}" }],
    ["a widget without properties", { DashboardBody: JSON.stringify({ widgets: [{ type: "text" }] }) }],
    ["a name with spaces", { DashboardName: "my videos" }],
  ];
  for (const [what, changes] of refusals) {
    it(`refuse ${what}, and name the location`, async () => {
      const harness = new MonitoringHarness();
      await assert.rejects(harness.call("PutDashboard", { ...dashboard, ...changes }), (error: Error) => {
        const { code, members } = error as Error & {
          code: string;
          members: { dashboardValidationMessages: unknown[] };
        };
        return code === "DashboardInvalidInputError" && members.dashboardValidationMessages.length === 1;
      });
    });
  }
});
