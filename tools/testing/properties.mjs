/** Loaded before the tests: property tests take one seed, so that a run can be repeated; `PROPERTY_SEED=N` takes another. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["PROPERTY_SEED"] ?? 20_261_122) });
