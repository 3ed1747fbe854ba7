/** The key pair of one start of the emulator: the gateway accepts only its signatures. */

import { randomBytes, randomInt } from "node:crypto";

/** A long-term key pair, as AWS issues them. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const keyIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Makes a random key pair. Its id starts with LOCAL, so that no scanner takes it for a key of AWS. */
export function randomCredentials(): Credentials {
  const suffix = Array.from({ length: 15 }, () => keyIdAlphabet[randomInt(keyIdAlphabet.length)]).join("");
  return { accessKeyId: `LOCAL${suffix}`, secretAccessKey: randomBytes(30).toString("base64url") };
}
