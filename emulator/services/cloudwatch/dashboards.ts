/** CloudWatch's dashboards: stored, listed, and checked for their form; the emulator does not draw them. */

import type { CloudWatch, DashboardValidationMessage } from "@aws-sdk/client-cloudwatch";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { AwsError } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import { dashboardArn } from "./identity.ts";
import type { Place } from "./identity.ts";
import { paged } from "./metrics.ts";
import type { TagStore } from "../tags.ts";

/** A stored dashboard. */
export interface Dashboard {
  readonly body: string;
  /** ms since the epoch. */
  readonly modifiedAt: number;
}

/** Source: API reference, ListDashboards. */
const pageSize = 1_000;

/** Members of every dashboard (user guide, "Dashboard body structure and syntax"). */
const dashboardBody = z.looseObject({
  widgets: z.array(z.looseObject({ type: z.string(), properties: z.looseObject({}) })),
});

/** The dashboards of one account by name. */
export type Dashboards = Map<string, Dashboard>;

/** Returns the handlers of the operations on dashboards. */
export function dashboardHandlers(dashboards: Dashboards, clock: Clock, tags: TagStore, place: Place) {
  return {
    PutDashboard({ DashboardName = "", DashboardBody = "", Tags }) {
      if (!/^[A-Za-z0-9_-]{1,255}$/.test(DashboardName)) {
        throw invalidDashboard([
          { DataPath: "/dashboardName", Message: "A name has 1 to 255 of A-Z, a-z, 0-9, - and _" },
        ]);
      }
      check(DashboardBody);
      tags.check(Tags);
      const isNew = !dashboards.has(DashboardName);
      dashboards.set(DashboardName, { body: DashboardBody, modifiedAt: clock.now() });
      if (isNew) tags.create(dashboardArn(place, DashboardName), Tags);
      return { DashboardValidationMessages: [] };
    },

    GetDashboard({ DashboardName = "" }) {
      const dashboard = dashboards.get(DashboardName);
      if (dashboard === undefined) throw missing([DashboardName]);
      return {
        DashboardArn: dashboardArn(place, DashboardName),
        DashboardBody: dashboard.body,
        DashboardName,
      };
    },

    /** Deletes all or, if one of the dashboards does not exist, none (API reference, DeleteDashboards). */
    DeleteDashboards({ DashboardNames = [] }) {
      const unknown = DashboardNames.filter((name) => !dashboards.has(name));
      if (unknown.length > 0) throw missing(unknown);
      for (const name of DashboardNames) dashboards.delete(name);
      return {};
    },

    ListDashboards({ DashboardNamePrefix = "", NextToken }) {
      const found = [...dashboards]
        .filter(([name]) => name.startsWith(DashboardNamePrefix))
        .sort(([left], [right]) => (left < right ? -1 : 1));
      const { items, nextToken } = paged(found, pageSize, NextToken);
      const entries = items.map(([name, { body, modifiedAt }]) => ({
        DashboardName: name,
        DashboardArn: dashboardArn(place, name),
        LastModified: new Date(modifiedAt),
        Size: Buffer.byteLength(body),
      }));
      return { DashboardEntries: entries, NextToken: nextToken };
    },
  } satisfies Handlers<CloudWatch>;
}

function check(body: string): void {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    throw invalidDashboard([{ DataPath: "", Message: "The field DashboardBody must be a valid JSON object" }]);
  }
  const parsed = dashboardBody.safeParse(document);
  if (parsed.success) return;
  throw invalidDashboard(
    parsed.error.issues.map(({ path, message }) => ({ DataPath: `/${path.map(String).join("/")}`, Message: message })),
  );
}

function invalidDashboard(messages: readonly DashboardValidationMessage[]): AwsError {
  const text = `The field DashboardBody must be valid: ${messages.map(({ DataPath = "", Message = "" }) => `${DataPath} ${Message}`.trim()).join("; ")}`;
  return new AwsError("DashboardInvalidInputError", text, 400, { dashboardValidationMessages: messages });
}

function missing(names: readonly string[]): AwsError {
  return new AwsError("DashboardNotFoundError", `Dashboard ${names.join(", ")} does not exist`, 404);
}
