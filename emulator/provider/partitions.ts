/** AWS's partitions and regions, from the SDK. */
import { partition as partitionInfo } from "@aws-sdk/core/client";

/** Returns the name of a region's partition, and the suffix of its host names, also in reverse. */
export function partitionOf(region: string) {
  const { name, dnsSuffix } = partitionInfo(region);
  return { partition: name, dnsSuffix, reverseDnsPrefix: dnsSuffix.split(".").reverse().join(".") };
}

/** Returns a region's name for people; undefined for one that the SDK does not know. */
export function regionDescription(region: string): string | undefined {
  const info: object = partitionInfo(region);
  return "description" in info ? String(info.description) : undefined;
}
