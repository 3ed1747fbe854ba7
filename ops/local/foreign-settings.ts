/** The user's AWS settings that would win over those of the emulator. */

const fixed = [
  // The AWS SDKs prefer a profile to keys (aws/aws-sdk-js-v3#2549), and a token makes the keys another kind.
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  "AWS_SESSION_TOKEN",
  "AWS_SECURITY_TOKEN",
  "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

/** Names of the variables in an environment that keep AWS's SDKs and CLI from the emulator. A service's endpoint wins over AWS_ENDPOINT_URL. */
export function foreignSettings(environment: NodeJS.ProcessEnv): string[] {
  return Object.keys(environment).filter((name) => fixed.includes(name) || name.startsWith("AWS_ENDPOINT_URL_"));
}
