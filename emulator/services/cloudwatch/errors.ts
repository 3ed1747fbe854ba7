/** CloudWatch's refusals. */

import { AwsError } from "../../wire/service.ts";

/** A value that CloudWatch does not take; PutMetricAlarm, GetMetricData and the other older operations call it ValidationError. */
export function validationError(message: string): AwsError {
  return new AwsError("ValidationError", message);
}

/** A member of the metric operations that has no such value. */
export function invalidParameter(name: string, value: string): AwsError {
  return new AwsError("InvalidParameterValue", `The value ${value} for parameter ${name} is invalid.`);
}

/** What the emulator does not do, by name. */
export function unimplemented(feature: string): AwsError {
  return validationError(`The emulator does not implement ${feature}.`);
}

/** A resource that tags are asked of. */
export function resourceMissing(arn: string): AwsError {
  return new AwsError("ResourceNotFoundException", `Unknown resource ${arn}`, 404, { ResourceId: arn });
}
