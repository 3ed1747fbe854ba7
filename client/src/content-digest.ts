/**
 * Computes the SHA-256 of a content, as a whole and as S3 stores it.
 *
 * S3 stores the SHA-256 of an object that was uploaded in one request. For an object uploaded in parts it stores the
 * composite: the SHA-256 of the parts' SHA-256 values, a hyphen and the number of parts. It then has no SHA-256 of the
 * whole, because full-object checksums of multipart uploads exist for CRCs only (Amazon S3 User Guide, "Checking object
 * integrity for data uploads in Amazon S3").
 */
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";

/** The digests of one content. */
export interface ContentDigests {
  /** SHA-256 of the content, in hexadecimal. */
  readonly sha256: string;
  /** ChecksumSHA256 of an object with this content that was uploaded in one request. */
  readonly atOnce: string;
  /** ChecksumSHA256 of an object with this content that was uploaded in parts. */
  readonly inParts: string;
  /** ChecksumSHA256 of each part. */
  readonly parts: readonly string[];
}

/** Computes the digests of a content chunk by chunk. */
export class ContentDigest {
  readonly #whole = createHash("sha256");
  readonly #ofParts = createHash("sha256");
  readonly #partBytes: number;
  #part: Hash | undefined;
  /** Bytes until the part is full. */
  #left = 0;
  readonly #parts: string[] = [];

  /** @param partBytes size of all parts but the last, bytes */
  constructor(partBytes: number) {
    this.#partBytes = partBytes;
  }

  /** Adds the next chunk of the content. */
  update(chunk: Uint8Array): void {
    this.#whole.update(chunk);
    for (let from = 0; from < chunk.length;) {
      if (this.#left === 0) this.#nextPart();
      const piece = chunk.subarray(from, from + this.#left);
      this.#part?.update(piece);
      this.#left -= piece.length;
      from += piece.length;
    }
  }

  /** Returns the digests of all chunks. Call it once, at the end. */
  digest(): ContentDigests {
    this.#endPart();
    const whole = this.#whole.digest();
    return {
      sha256: whole.toString("hex"),
      atOnce: whole.toString("base64"),
      inParts: `${this.#ofParts.digest("base64")}-${this.#parts.length}`,
      parts: this.#parts,
    };
  }

  #nextPart(): void {
    this.#endPart();
    this.#part = createHash("sha256");
    this.#left = this.#partBytes;
  }

  #endPart(): void {
    if (this.#part === undefined) return;
    const digest = this.#part.digest();
    this.#ofParts.update(digest);
    this.#parts.push(digest.toString("base64"));
  }
}
