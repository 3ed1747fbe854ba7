/** Sets a fixed seed for property tests, so that a run can be repeated. `PROPERTY_SEED=N` changes it. Mocha loads this file first. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["PROPERTY_SEED"] ?? 20_261_122) });
