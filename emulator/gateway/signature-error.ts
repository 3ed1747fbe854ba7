/** Reasons why a request is not authentic. */

/** The kind of reason, which determines AWS's error codes. */
export type RefusalKind = "missing" | "malformed" | "unknown-key" | "mismatch" | "skewed" | "expired" | "expired-token";

/** A request is not authentic. */
export class SignatureError extends Error {
  override readonly name = "SignatureError";
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
