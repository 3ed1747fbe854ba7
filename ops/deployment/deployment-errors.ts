/** Errors of a deployment. */
import { QuotedError, UserError } from "../../lib/errors.ts";

/** The policy pack rejected the stack; nothing was created. The message lists each violation with its remedy. */
export class PolicyRefusal extends UserError {
  override readonly name = "PolicyRefusal";
  readonly violations: readonly string[];

  constructor(violations: readonly string[]) {
    const lines = violations.map((violation) => `  ${violation}`);
    super(["The policy pack refuses this stack; nothing was created.", ...lines].join("\n"));
    this.violations = violations;
  }
}

/** The engine, the program or AWS reported an error. The message quotes it. */
export class DeploymentError extends QuotedError {
  override readonly name = "DeploymentError";
}
