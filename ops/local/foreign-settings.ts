/** The user's settings of AWS and Pulumi that take precedence over those of the local stack. */

/** The flag --config-file of the Pulumi CLI as a variable (3.208 and later): local:env sets it for a kept stack with other settings. */
export const configFileVariable = "PULUMI_OPTION_CONFIG_FILE";

const fixed = [
  // The AWS SDKs prefer a profile to keys (aws/aws-sdk-js-v3#2549), and a token makes the keys another kind.
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  "AWS_SESSION_TOKEN",
  "AWS_SECURITY_TOKEN",
  "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
  configFileVariable,
];

/**
 * Removes the variables that keep AWS's SDKs and CLI from the emulator, and Pulumi from the stack's settings; returns their
 * names. A service's endpoint takes precedence over AWS_ENDPOINT_URL.
 */
export function removeForeignSettings(environment: NodeJS.ProcessEnv): string[] {
  const names = Object.keys(environment).filter((name) => fixed.includes(name) || name.startsWith("AWS_ENDPOINT_URL_"));
  for (const name of names) Reflect.deleteProperty(environment, name);
  return names;
}
