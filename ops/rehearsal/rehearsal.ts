/** Takes a change through the stages of the pipeline on the local stack, and through failing and badly timed updates. */
import type { OpMap } from "@pulumi/pulumi/automation/index.js";
import type { Deployment } from "../deployment/deployment.ts";
import { DeploymentError, PolicyRefusal } from "../deployment/deployment-errors.ts";
import type { Planned } from "../deployment/engine-events.ts";
import { explain, UserError } from "../../lib/errors.ts";
import type { Progress, Step } from "../../lib/progress.ts";
import { rolledBack, sourceBucket, UpdateFailed, updateWhileScaling } from "./rehearsal-stages.ts";
import type { Updates } from "./rehearsal-stages.ts";
import { SmokeTestFailed, smokeTest } from "./smoke-test.ts";

/** AWS differs from the program. The message names each resource and its differences. */
export class DriftFound extends UserError {
  override readonly name = "DriftFound";
}

/** The stages in their order. */
export const stageNames = ["preview", "up", "smoke", "source", "scaling", "rollback", "drift"] as const;
/** Name of a stage. */
export type StageName = (typeof stageNames)[number];

/** Outcome of one stage. */
export interface Stage {
  readonly name: StageName;
  readonly outcome: "passed" | "failed" | "not run";
  /** Seconds of real time; 0 if it did not run. */
  readonly seconds: number;
  /** Summary in one line; the whole message of a failed stage. */
  readonly said: string;
}

/** Outcome of a rehearsal. */
export interface Rehearsal {
  readonly passed: boolean;
  readonly stages: readonly Stage[];
  /** The next step for the user. */
  readonly next: string;
}

/** The change to rehearse. */
export interface Change extends Updates {
  /** The change with the permissions of a preview, which reads only. */
  readonly previewed: Deployment;
  /** Variables of the smoke test with the credentials of the deployment, in addition to those of this process. */
  readonly environment: Readonly<Record<string, string>>;
  /** File with the plan that the preview writes for the update. */
  readonly planFile: string;
}

/** Errors that stop a promotion. All others are faults of this program. */
const findings = [PolicyRefusal, DeploymentError, SmokeTestFailed, UpdateFailed, DriftFound];

interface StageWork {
  /** Text of the progress line. */
  readonly title: string;
  readonly run: (change: Change, step: Step, signal: AbortSignal) => Promise<string>;
  /** Remedy if it fails. */
  readonly remedy: string;
}

const stages: Readonly<Record<StageName, StageWork>> = {
  preview: {
    title: "Previewing with the policy pack",
    async run({ previewed, planFile }, step, signal) {
      const { changes, policies, advisories } = await previewed.preview(step, signal, planFile);
      const advice = advisories.map((advisory) => `\n${advisory}`).join("");
      return `${counted(changes)}; passed ${policies} policies${advice}`;
    },
    remedy: "Nothing was deployed. Correct the change as the messages say, and rehearse it again.",
  },
  up: {
    title: "Deploying the previewed plan",
    async run({ deployment, planFile }, step, signal) {
      const { resources } = await deployment.up(step, signal, planFile);
      return `${resources} resources, as planned`;
    },
    remedy:
      "The change is not promoted. In the pipeline, the stack keeps the finished part of the update. Correct the change or " +
      "revert its commit; the next update completes the stack.",
  },
  smoke: {
    title: "Smoke test",
    async run({ outputs, environment, video }, step, signal) {
      const { passed } = await smokeTest({ outputs, environment, video }, step, signal);
      return `${passed} tests passed`;
    },
    remedy:
      "The change is not promoted, and prod is unchanged. In the pipeline, dev has the change now. Revert its commit " +
      "(git revert) to deploy the previous state, or correct it in the next commit. To reproduce it here, run npm run local:up, then npm run smoke.",
  },
  source: {
    title: "Sending a video from a source bucket",
    run: sourceBucket,
    remedy:
      "The change is not promoted: the endpoint did not answer a video of a source bucket. Correct the change, and rehearse it again.",
  },
  scaling: {
    title: "Updating while an instance starts",
    run: updateWhileScaling,
    remedy:
      "The change is not promoted: a queued video did not survive an update of the endpoint. Correct the change, and rehearse it again.",
  },
  rollback: {
    title: "Deploying an artifact that cannot be loaded",
    run: rolledBack,
    remedy:
      "The change is not promoted: a rolled-back update changed the stack. Correct the change, and rehearse it again.",
  },
  drift: {
    title: "Drift check",
    async run({ previewed }, step, signal) {
      const differences = await previewed.drift(step, signal);
      if (differences.length > 0) {
        throw new DriftFound(
          `AWS differs from the program:\n${differences.map((each) => `  ${named(each)}`).join("\n")}`,
        );
      }
      return "AWS matches the program";
    },
    remedy:
      "A resource was changed outside Pulumi. To keep the change, write it into the program or the config, in a pull " +
      "request. To undo it, deploy main again with a refresh (pulumi up --refresh).",
  },
};

/**
 * Runs the stages in order; the first failure stops the rehearsal.
 * @throws the signal's reason after an abort; a fault of this program
 */
export async function rehearse(
  change: Change,
  progress: Progress,
  signal: AbortSignal,
  wanted: readonly StageName[] = stageNames,
): Promise<Rehearsal> {
  const done: Stage[] = [];
  let failed: StageName | undefined;
  for (const name of wanted) {
    if (failed !== undefined) {
      done.push({ name, outcome: "not run", seconds: 0, said: `${failed} failed` });
      continue;
    }
    const { title, run } = stages[name];
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    try {
      const { result: said } = await progress.step(`${name}: ${title}`, (step) => run(change, step, signal));
      done.push({ name, outcome: "passed", seconds: seconds(), said });
    } catch (error) {
      signal.throwIfAborted();
      if (!findings.some((kind) => error instanceof kind)) throw error;
      failed = name;
      done.push({ name, outcome: "failed", seconds: seconds(), said: explain(error) });
    }
  }
  return {
    passed: failed === undefined,
    stages: done,
    next:
      failed === undefined
        ? "The change passed. Open a pull request. After the merge, the same stages deploy it to dev and, once approved, to prod."
        : stages[failed].remedy,
  };
}

/** Formats the number of resources by operation. */
function counted({ same = 0, ...others }: OpMap): string {
  const counts = Object.entries(others).map(([operation, count]) => `${count} to ${operation}`);
  return [...counts, ...(same > 0 ? [`${same} stay`] : [])].join(", ");
}

/** Formats a difference: the resource, its properties, and the operation of an update. */
function named({ operation, type, name, properties }: Planned): string {
  const differing = properties.length === 0 ? "" : `: ${properties.join(", ")}`;
  return `${name} (${type})${differing}; an update would ${operation} it`;
}
