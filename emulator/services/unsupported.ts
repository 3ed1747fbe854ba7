/** Refuses, by name, features of AWS that the emulator does not implement: no input is ignored silently. */

import { AwsError } from "../wire/service.ts";

/** @throws {AwsError} NotImplementedException if the input has one of these members */
export function refuseMembers<Input extends object>(
  where: string,
  input: Input,
  names: readonly (keyof Input & string)[],
): void {
  const present = names.filter((name) => input[name] !== undefined);
  if (present.length > 0) refuse(`${present.join(", ")} in ${where}`);
}

/**
 * Refuses a feature by name.
 * @throws {AwsError} NotImplementedException
 */
export function refuse(feature: string): never {
  throw unimplemented(feature);
}

/**
 * Makes the error for a feature. No client repeats the call: AWS SDKs repeat the statuses 500, 502, 503 and 504
 * (botocore, `data/_retry.json`; aws-sdk-go-v2, `aws/retry`), and Terraform repeats each ValidationException of
 * CreateModel for two minutes (hashicorp/terraform-provider-aws, `internal/service/sagemaker/model.go`).
 */
export function unimplemented(feature: string): AwsError {
  return new AwsError("NotImplementedException", `The emulator does not implement ${feature}.`, 501);
}
