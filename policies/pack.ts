/** The policies of the pack, in the order of its table. */
import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { noWildcards } from "./access.ts";
import { ownPoliciesOnly } from "./attachments.ts";
import { bucketCustomerKey, bucketLifecycle, bucketOwnerEnforced, bucketPrivate, bucketTlsOnly } from "./buckets.ts";
import { hourlyCostLimit, requiredTags } from "./cost.ts";
import { dataProtected, logRetention, queueDeadLetters } from "./durability.ts";
import { keyRotation, logEncrypted, queueEncrypted, topicEncrypted } from "./encryption.ts";
import {
  asynchronousOnly,
  completionTopics,
  concurrencyLimit,
  failurePath,
  noFixedName,
  singleVariant,
} from "./endpoint.ts";
import { noForeignAccess, noPublicAccess } from "./exposure.ts";
import { gpuInstanceType, gpuRequired, inferenceAmi } from "./gpu.ts";
import { supportedImage } from "./image.ts";
import { knownTypesOnly } from "./known-types.ts";
import { workersFitMemory } from "./memory.ts";
import { referenceNeedsS3 } from "./reference-requests.ts";
import { backlogMetric, cooldownsSane, maxCapacityLimit, minCapacityZero, targetAfterEndpoint } from "./scaling.ts";
import { scalesToZero } from "./scales-to-zero.ts";
import { trustedPrincipals } from "./trust.ts";
import { wakesFromZero } from "./wakes-from-zero.ts";
import { warmWindowLimit } from "./warm-window.ts";

/** A policy on one resource or on a whole stack. */
export type PackPolicy = ResourceValidationPolicy | StackValidationPolicy;

/** The policies by domain. */
export const domains: Readonly<Record<string, readonly PackPolicy[]>> = {
  Scaling: [
    minCapacityZero,
    maxCapacityLimit,
    warmWindowLimit,
    backlogMetric,
    wakesFromZero,
    scalesToZero,
    cooldownsSane,
    targetAfterEndpoint,
  ],
  Endpoint: [
    gpuInstanceType,
    gpuRequired,
    inferenceAmi,
    asynchronousOnly,
    completionTopics,
    failurePath,
    concurrencyLimit,
    singleVariant,
    noFixedName,
    supportedImage,
    workersFitMemory,
    referenceNeedsS3,
  ],
  Data: [
    bucketPrivate,
    bucketOwnerEnforced,
    bucketCustomerKey,
    bucketTlsOnly,
    bucketLifecycle,
    topicEncrypted,
    queueEncrypted,
    queueDeadLetters,
    logEncrypted,
    logRetention,
    keyRotation,
    dataProtected,
  ],
  Access: [knownTypesOnly, noWildcards, ownPoliciesOnly, trustedPrincipals, noPublicAccess, noForeignAccess],
  Cost: [hourlyCostLimit, requiredTags],
};

/** All policies. */
export const policies: PackPolicy[] = Object.values(domains).flat();
