/** Credentials for a stack on the emulator: the environment's, if the emulator knows them, or the administrator's. */
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromIni } from "@aws-sdk/credential-provider-ini";
import { codeOf } from "../../lib/errors.ts";
import { throughProxy } from "../../lib/proxies.ts";

/** A function that the AWS SDK calls for credentials. */
export type CredentialsProvider = Extract<NonNullable<S3ClientConfig["credentials"]>, () => unknown>;

/** An access key and, for a session, its token. */
interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Time limits of the question whether the emulator knows the key, ms. */
const limits = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true, ...throughProxy };

/**
 * Returns a provider, which asks the emulator once whether it knows the environment's key. An expired session is known: its
 * calls fail instead of running as the administrator.
 * @param file shared credentials file with the administrator's key pair
 * @param emulator its URL, and the stack's region
 */
export function emulatorCredentials(
  file: string,
  emulator: { readonly endpoint: string; readonly region: string },
  environment: NodeJS.ProcessEnv = process.env,
): CredentialsProvider {
  const administrator = fromIni({ profile: "default", filepath: file, configFilepath: file, ignoreCache: true });
  const own = keyPairOf(environment);
  let known: Promise<boolean> | undefined;
  return async () => {
    if (own === undefined) return await administrator();
    known ??= isKnown(own, emulator);
    return (await known) ? own : await administrator();
  };
}

function keyPairOf(environment: NodeJS.ProcessEnv): KeyPair | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = environment;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}) };
}

async function isKnown(
  credentials: KeyPair,
  emulator: { readonly endpoint: string; readonly region: string },
): Promise<boolean> {
  // The SDK adds to the object.
  const sts = new STSClient({ ...emulator, credentials: { ...credentials }, requestHandler: limits });
  try {
    await sts.send(new GetCallerIdentityCommand({}));
    return true;
  } catch (error) {
    return codeOf(error) !== "InvalidClientTokenId";
  } finally {
    sts.destroy();
  }
}
