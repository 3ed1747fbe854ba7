/** CloudWatch's error answers. */

import { AwsError } from "../../wire/service.ts";

export { unimplemented } from "../unsupported.ts";

/**
 * Makes the error for a value that CloudWatch refuses; PutMetricAlarm, GetMetricData and the other older operations
 * call it ValidationError.
 */
export function validationError(message: string): AwsError {
  return new AwsError("ValidationError", message);
}

/** Makes the error for a member of the metric operations with an invalid value. */
export function invalidParameter(name: string, value: string): AwsError {
  return invalidValue(`The value ${value} for parameter ${name} is invalid.`);
}

/** Makes the error for an invalid value, with another message. */
export function invalidValue(message: string): AwsError {
  return new AwsError("InvalidParameterValue", message);
}
