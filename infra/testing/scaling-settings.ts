/** Settings for the tests of the scaling. */
import type { ScalingSettings } from "../scaling-types.ts";

/** The default settings. The values are written out, so that a changed default fails the tests that state a value. */
export const scalingSettings: ScalingSettings = {
  minCapacity: 0,
  maxCapacity: 5,
  backlogTarget: 5,
  scaleInCooldown: 120,
  scaleOutCooldown: 120,
  scaleIn: "idle",
  idleMinutes: 5,
};
