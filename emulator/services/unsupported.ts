/** Refuses, by name, features of AWS that the emulator does not implement: no input is ignored silently. */

import { validationException } from "../wire/service.ts";

/** @throws {ValidationException} if the input has one of these members */
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
 * @throws {AwsError} ValidationException
 */
export function refuse(feature: string): never {
  throw validationException(`The emulator does not implement ${feature}.`);
}
