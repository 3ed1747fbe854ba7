/** A change's way through the pipeline on the local stack, and through updates that go wrong or come at a bad time. */
import type { OpMap } from "@pulumi/pulumi/automation/index.js";
import { DeploymentError, PolicyRefusal } from "../deployment/deployment.ts";
import type { Planned } from "../deployment/engine-events.ts";
import { explain, UserError } from "../../lib/errors.ts";
import type { Progress, Step } from "../../lib/progress.ts";
import { rolledBack, sourceBucket, UpdateFailed, updateWhileScaling, type Updates } from "./rehearsal-stages.ts";
import { SmokeTestFailed, smokeTest } from "./smoke-test.ts";

/** AWS is not what the program says; the message names each resource and what differs. */
export class DriftFound extends UserError {
  override readonly name = "DriftFound";
}

/** The stages in their order. */
export const stageNames = ["preview", "up", "smoke", "source", "scaling", "rollback", "drift"] as const;
/** Name of a stage. */
export type StageName = (typeof stageNames)[number];

/** How one stage went. */
export interface Stage {
  readonly name: StageName;
  readonly outcome: "passed" | "failed" | "not run";
  /** Real time; 0 where it did not run. */
  readonly seconds: number;
  /** What it showed, in a line; of a failed one, all that it said. */
  readonly said: string;
}

/** How a change fared. */
export interface Rehearsal {
  readonly passed: boolean;
  readonly stages: readonly Stage[];
  /** What to do now. */
  readonly next: string;
}

/** What is rehearsed. */
export interface Change extends Updates {
  /** Where the preview leaves the plan for the update. */
  readonly planFile: string;
}

/** What stops a promotion, as against a fault of this program. */
const findings = [PolicyRefusal, DeploymentError, SmokeTestFailed, UpdateFailed, DriftFound];

interface StageWork {
  /** While it runs. */
  readonly title: string;
  readonly run: (change: Change, step: Step, signal: AbortSignal) => Promise<string>;
  /** What to do when it fails. */
  readonly remedy: string;
}

const stages: Readonly<Record<StageName, StageWork>> = {
  preview: {
    title: "Previewing with the policy pack",
    async run({ deployment, planFile }, step, signal) {
      const { changes, policies, advisories } = await deployment.preview(step, signal, planFile);
      const advice = advisories.map((advisory) => `\n${advisory}`).join("");
      return `${counted(changes)}; passed ${policies} policies${advice}`;
    },
    remedy: "Nothing was touched. Mend the change as the messages say, and rehearse it again.",
  },
  up: {
    title: "Deploying what was previewed",
    async run({ deployment, planFile }, step, signal) {
      const { resources } = await deployment.up(step, signal, planFile);
      return `${resources} resources, as planned`;
    },
    remedy:
      "The change is not promoted. In the pipeline the stack stays as far as the update came: mend the change, or revert " +
      "its commit, and the next update puts it right.",
  },
  smoke: {
    title: "Smoke test",
    async run({ outputs, video }, step, signal) {
      const { passed } = await smokeTest({ outputs, video }, step, signal);
      return `${passed} tests passed`;
    },
    remedy:
      "The change is not promoted, and prod is as it was. In the pipeline dev has the change now: revert its commit " +
      "(git revert), which deploys what was before, or mend it in the next one. To look at it here: npm run local:up, then npm run smoke.",
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
      "The change is not promoted: after a rolled-back update the stack is not what it was. Correct the change, and rehearse it again.",
  },
  drift: {
    title: "Drift check",
    async run({ deployment }, step, signal) {
      const differences = await deployment.drift(step, signal);
      if (differences.length > 0) {
        throw new DriftFound(
          `AWS is not what the program says:\n${differences.map((each) => `  ${named(each)}`).join("\n")}`,
        );
      }
      return "AWS is what the program says";
    },
    remedy:
      "Someone, or something, has changed AWS behind Pulumi's back. Wanted: write it into the program or the config, by a " +
      "pull request. Unwanted: deploy main again, which asks AWS first (pulumi up --refresh) and takes it back.",
  },
};

/**
 * Takes the change through the stages, in order; the first that fails stops it, and the others are not run. Throws the
 * signal's reason after an abort, and what is a fault of this program.
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
        ? "The change may go: open a pull request. Merged, it goes to dev in the same stages and, once approved, to prod."
        : stages[failed].remedy,
  };
}

/** How many resources each operation is for. */
function counted({ same = 0, ...others }: OpMap): string {
  const counts = Object.entries(others).map(([operation, count]) => `${count} to ${operation}`);
  return [...counts, ...(same > 0 ? [`${same} stay`] : [])].join(", ");
}

/** A difference in words: what is where, and what an update would do about it. */
function named({ operation, type, name, properties }: Planned): string {
  const differing = properties.length === 0 ? "" : `: ${properties.join(", ")}`;
  return `${name} (${type})${differing}; an update would ${operation} it`;
}
