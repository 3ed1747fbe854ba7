/** Remedies for errors of the machine, the network and AWS. */

/** A problem with a file or folder. */
interface FileProblem {
  readonly problem: string;
  /** How to fix it; undefined if only another place helps. */
  readonly fix?: string;
  /** True if the whole machine has the problem, not only the place. */
  readonly isEverywhere?: boolean;
}

const noPermission: FileProblem = { problem: "you may not write or read there", fix: "change the permissions" };
const fileOnPath: FileProblem = { problem: "a part of that path is a file or a broken link", fix: "remove it" };

/** Problems with a file or folder, by the system's error code. */
const fileProblems = {
  ENOSPC: { problem: "the disk is full", fix: "free some space", isEverywhere: true },
  EDQUOT: { problem: "your disk quota is used up", fix: "remove files", isEverywhere: true },
  EFBIG: { problem: "the limit on the size of files is reached", fix: "raise it (ulimit -f)", isEverywhere: true },
  EROFS: { problem: "the file system is read-only" },
  EACCES: noPermission,
  EPERM: noPermission,
  EEXIST: fileOnPath,
  ENOTDIR: fileOnPath,
} as const satisfies Readonly<Record<string, FileProblem>>;

function remedyOf({ problem, fix, isEverywhere = false }: FileProblem): string {
  if (fix === undefined) return `${problem}: choose a folder that you can write to`;
  return `${problem}: ${fix}${isEverywhere ? " and run the command again" : ", or choose another folder"}`;
}

const disk = remedyOf(fileProblems.ENOSPC);
const quota = remedyOf(fileProblems.EDQUOT);
const readOnly = remedyOf(fileProblems.EROFS);
const denied = remedyOf(noPermission);
const fileInTheWay = remedyOf(fileOnPath);
const noFolders = "no folder can be made there: choose another folder";
const noTemporary = "the folder for temporary files does not exist: set TMPDIR to a folder that you can write to";
const clock = "this machine's clock differs from AWS's: set it (timedatectl set-ntp true) and run the command again";
const certificate =
  "a proxy's certificate is not trusted: set NODE_EXTRA_CA_CERTS to the file with your company's certificates";

/** Remedies by the code of an error of Node or of AWS. */
const byCode: Readonly<Record<string, string>> = {
  ENOSPC: disk,
  EDQUOT: quota,
  EFBIG: remedyOf(fileProblems.EFBIG),
  EROFS: readOnly,
  EACCES: denied,
  EPERM: denied,
  ENOTDIR: fileInTheWay,
  ECONNREFUSED: "nothing answers there: is the emulator up (npm run local:up)? Is HTTPS_PROXY right?",
  ENOTFOUND: "the host name does not resolve: check the region and the network",
  EAI_AGAIN: "the host name does not resolve now: check the network",
  SELF_SIGNED_CERT_IN_CHAIN: certificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate,
  // A certificate's dates are compared with this machine's clock.
  CERT_NOT_YET_VALID: clock,
  CERT_HAS_EXPIRED: clock,
  // S3's error responses, "RequestTimeTooSkewed"; EC2's and others', "RequestExpired".
  RequestTimeTooSkewed: clock,
  RequestExpired: clock,
  RequestInTheFuture: clock,
};

/** Remedies for AWS's errors about the credentials, permissions and buckets of a caller, by code. */
const byCallerCode: Readonly<Record<string, string>> = {
  CredentialsProviderError:
    "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  ExpiredToken: "the AWS credentials have expired: renew them",
  ExpiredTokenException: "the AWS credentials have expired: renew them",
  InvalidAccessKeyId: "the AWS credentials are not valid here: check the profile and the account",
  InvalidClientTokenId: "the AWS credentials are not valid here: check the profile and the account",
  UnrecognizedClientException: "the AWS credentials are not valid here: check the profile and the account",
  SignatureDoesNotMatch: "the AWS secret key does not belong to the access key",
  InvalidSignatureException: "the AWS secret key does not belong to the access key",
  AccessDenied: "these AWS credentials may not do this: attach the stack's caller or operator policy",
  AccessDeniedException: "these AWS credentials may not do this: attach the stack's caller or operator policy",
  NoSuchBucket: "is its stack still deployed, and is it the stack of these jobs?",
  PermanentRedirect: "the bucket is in another region than the stack's outputs name",
};

/** The IPv6 address to which the name localhost leads on some machines. */
const wrongLoopback =
  "the emulator listens on 127.0.0.1 only, and this name leads to ::1: use 127.0.0.1 instead of localhost";

/**
 * Remedies by message: of another program, and of AWS if the code has other causes, too (IAM user guide, "Troubleshoot
 * Signature Version 4 signing for AWS API requests": "Signature expired", "Signature not yet current").
 */
const byWords: readonly (readonly [RegExp, string])[] = [
  [/no space left on device|\bENOSPC\b/i, disk],
  [/disk quota exceeded|\bEDQUOT\b/i, quota],
  [/read-only file system|\bEROFS\b/i, readOnly],
  [
    /\bSignature (expired|not yet current)\b|\bRequestTimeTooSkewed\b|certificate has expired or is not yet valid/i,
    clock,
  ],
  [/\bpermission denied\b|\bEACCES\b/i, denied],
];

/**
 * Returns the remedy for an error, or one of its causes, that the machine or the network causes; undefined for any
 * other reason.
 */
export function remedyFor(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, Code, syscall, address, errors } = error as Error & Partial<Record<string, unknown>>;
  if (code === "ECONNREFUSED" && address === "::1") return wrongLoopback;
  if (syscall === "mkdir" && code === "EEXIST") return fileInTheWay;
  if (syscall === "mkdir" && code === "ENOENT") return noFolders;
  if (syscall === "mkdtemp" && code === "ENOENT") return noTemporary;
  for (const name of [Code, code, error.name]) {
    if (typeof name === "string" && Object.hasOwn(byCode, name)) return byCode[name];
  }
  if (isClockSkew(error)) return clock;
  const causes: readonly unknown[] = Array.isArray(errors) ? [...(errors as unknown[]), error.cause] : [error.cause];
  return causes.map(remedyFor).find((remedy) => remedy !== undefined);
}

/**
 * Tells whether AWS refused a call because this machine's clock differs from AWS's; the SDK has then tried with AWS's
 * time, too.
 */
export function isClockSkew(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (Object.hasOwn(byCode, error.name)) return byCode[error.name] === clock;
  // Only AWS's messages: any other message may quote a video's name or a model's failure.
  return "$metadata" in error && /signature|authfailure/i.test(error.name) && remedyIn(error.message) === clock;
}

/** Returns the remedy for AWS's refusal of a caller of a stack; undefined for any other reason. */
export function callerRemedyFor(error: Error): string | undefined {
  const { Code } = error as Error & Partial<Record<string, unknown>>;
  const name = [Code, error.name].find((code) => typeof code === "string" && Object.hasOwn(byCallerCode, code));
  return typeof name === "string" ? byCallerCode[name] : undefined;
}

/** Returns the remedy for an error in the output of another program, such as Pulumi, Python or tar. */
export function remedyIn(words: string): string | undefined {
  return byWords.find(([pattern]) => pattern.test(words))?.[1];
}

/** Returns the first line of another program's output that reports a full disk, or a disk quota that is used up. */
export function fullDiskLine(words: string): string | undefined {
  return words
    .split("\n")
    .map((line) => line.trim())
    .find((line) => [disk, quota].includes(remedyIn(line) ?? ""));
}

/**
 * Says why a file or folder could not be written, and how to fix it, without a full stop.
 * @param elsewhere how to choose another place, such as "choose another folder with --to"
 */
export function writeRemedy(error: unknown, elsewhere: string): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string" || !Object.hasOwn(fileProblems, code)) return elsewhere;
  const { problem, fix }: FileProblem = fileProblems[code as keyof typeof fileProblems];
  return [problem, ...(fix === undefined ? [] : [fix]), `or ${elsewhere}`].join(", ");
}
