/** What goes wrong in a step of a workflow, in words for those who read its log. */

/** A step cannot be done, or refuses to: the message says why, and what to do. */
export class PipelineError extends Error {
  override readonly name: string = "PipelineError";
}

/** A step was called wrongly: the command line, or the environment that a workflow gives it. */
export class UsageError extends PipelineError {
  override readonly name = "UsageError";
}
