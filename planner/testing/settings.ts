/** Settings for the tests of the planner. */

import type { PlanSettings } from "../settings.ts";

/** The default settings of the program, with one video at a time and four minutes to start. */
export const testSettings: PlanSettings = {
  minCapacity: 0,
  maxCapacity: 5,
  backlogTarget: 5,
  scaleInCooldown: 120,
  scaleOutCooldown: 120,
  scaleIn: "idle",
  idleMinutes: 5,
  instanceType: "ml.g4dn.xlarge",
  maxConcurrency: 1,
  invocationTimeout: 900,
  timeToLive: 21_600,
  startMinutes: 4,
  price: 0.7364,
};
