/** CloudWatch for the gateway: metrics, alarms with their actions, dashboards. */

import type { Alarms } from "../../core/alarms.ts";
import type { MetricStore } from "../../core/metrics.ts";
import type { GuardedService } from "../../iam/permission.ts";
import { alarmHandlers } from "./alarms.ts";
import { dashboardHandlers } from "./dashboards.ts";
import type { Dashboards } from "./dashboards.ts";
import { alarmArn, dashboardArn } from "./identity.ts";
import { metricHandlers } from "./metrics.ts";
import { topicActions } from "./notification.ts";
import type { Publish } from "./notification.ts";
import { monitoringPermissions } from "./permissions.ts";
import { resourceTags, tagHandlers } from "./tags.ts";
import { WallClockQueries } from "./wall-clock.ts";
import type { WallClockOptions } from "./wall-clock.ts";

/** Dependencies of the service. */
export interface MonitoringDependencies extends WallClockOptions {
  readonly region: string;
  readonly accountId: string;
  readonly metrics: MetricStore;
  readonly alarms: Alarms;
  /** SNS, for alarm actions on topics. */
  readonly publish: Publish;
}

/**
 * Creates the service `cloudwatch`. It adds the alarms' actions on topics; the autoscaler adds those on scaling
 * policies.
 */
export function monitoring(dependencies: MonitoringDependencies): GuardedService {
  const { region, accountId, clock, metrics, alarms, publish } = dependencies;
  const place = { region, accountId };
  const wallClock = new WallClockQueries(dependencies);
  alarms.addRunner(topicActions(publish, place));
  const dashboards: Dashboards = new Map();
  const exists = (arn: string): boolean => {
    const [alarmPrefix, dashboardPrefix] = [alarmArn(place, ""), dashboardArn(place, "")];
    if (arn.startsWith(alarmPrefix)) return alarms.get(arn.slice(alarmPrefix.length)) !== undefined;
    return arn.startsWith(dashboardPrefix) && dashboards.has(arn.slice(dashboardPrefix.length));
  };
  const tags = resourceTags(exists);
  return {
    model: "cloudwatch",
    handlers: {
      ...metricHandlers(metrics, clock, wallClock, place),
      ...alarmHandlers(alarms, tags, wallClock, place),
      ...dashboardHandlers(dashboards, clock, tags, place),
      ...tagHandlers(tags),
    },
    permissions: monitoringPermissions(tags, place),
  };
}
