/** What a step has of the job that it is part of. */

/** The job: where what a step says goes, and the variables that GitHub and the workflow set. */
export interface Job {
  readonly environment: NodeJS.ProcessEnv;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}
