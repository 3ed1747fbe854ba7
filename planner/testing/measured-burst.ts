/** For tests: a measured burst of two videos, as `measurements.json` has it. */

/** The content of the file. */
export const measuredBurst = {
  name: "burst-0a1b2c3d",
  environment: "emulator",
  ...{ instanceType: "ml.g4dn.xlarge", concurrency: 1, maxCapacity: 2, ttlSeconds: 21_600, timeoutSeconds: 900 },
  ...{ phaseSeconds: 12, instancesBefore: 0, startSeconds: [60, 90], instanceHours: 0.3 },
  jobs: [
    { arrival: 0, service: 30, total: 200, status: "completed" },
    { arrival: 1.5, service: 40, total: 240, status: "completed" },
  ],
};
