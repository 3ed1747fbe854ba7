/** AWS's partitions and regions, from the SDK. */
import { partition as partitionInfo } from "@aws-sdk/core/client";

/** A part of AWS that is separate from the others. */
export interface Partition {
  readonly partition: string;
  readonly dnsSuffix: string;
  readonly reverseDnsPrefix: string;
}

/** Returns the partition of a region. */
export function partitionOf(region: string): Partition {
  const { name, dnsSuffix } = partitionInfo(region);
  return { partition: name, dnsSuffix, reverseDnsPrefix: dnsSuffix.split(".").reverse().join(".") };
}

/** Returns a region's name for people; undefined for one that the SDK does not know. */
export function regionDescription(region: string): string | undefined {
  const info: object = partitionInfo(region);
  return "description" in info ? String(info.description) : undefined;
}
