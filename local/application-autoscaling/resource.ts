/** The one kind of resource that the local AWS scales: the instances of a SageMaker endpoint's variant. */

import type { CapacityPort } from "../../simulator/scaling-types.ts";
import { AwsError } from "../wire/service.ts";

export const serviceNamespace = "sagemaker";
export const scalableDimension = "sagemaker:variant:DesiredInstanceCount";

/** How requests name a resource. */
export interface ResourceKey {
  readonly ServiceNamespace: string | undefined;
  readonly ResourceId?: string | undefined;
  readonly ScalableDimension?: string | undefined;
}

export interface Variant {
  readonly endpointName: string;
  readonly variantName: string;
}

/** The variant of `endpoint/NAME/variant/VARIANT`; undefined if the resource id is of another form. */
export function variantOf(resourceId: string): Variant | undefined {
  const match = /^endpoint\/([^/]+)\/variant\/([^/]+)$/.exec(resourceId);
  const [, endpointName, variantName] = match ?? [];
  return endpointName === undefined || variantName === undefined ? undefined : { endpointName, variantName };
}

/** Throws unless the request is about variants of SageMaker endpoints. */
export function checkKind({ ServiceNamespace, ResourceId, ScalableDimension }: ResourceKey): void {
  if (ServiceNamespace !== serviceNamespace) {
    throw new AwsError(
      "ValidationException",
      `The local AWS implements Application Auto Scaling for the service namespace ${serviceNamespace} only, not for ${String(ServiceNamespace)}.`,
    );
  }
  const isOtherDimension = ScalableDimension !== undefined && ScalableDimension !== scalableDimension;
  if (isOtherDimension && ScalableDimension.startsWith(`${serviceNamespace}:`)) {
    throw new AwsError(
      "ValidationException",
      `The local AWS implements Application Auto Scaling for the scalable dimension ${scalableDimension} only, not for ${ScalableDimension}.`,
    );
  }
  if (isOtherDimension || (ResourceId !== undefined && variantOf(ResourceId) === undefined)) {
    throw new AwsError("ValidationException", "Unsupported service namespace, resource type or scalable dimension");
  }
}

/** SageMaker as far as the autoscaler moves its endpoints. */
export interface VariantScaling {
  /** Undefined if there is no such variant. */
  capacityOf(endpointName: string, variantName: string): { readonly desired: number } | undefined;
  /** Resolves when so many instances are in service. */
  setDesired(endpointName: string, count: number): Promise<void>;
}

/** The capacity that the autoscaler moves, by resource id. `sageMaker` is asked at each use, so that it may be made later. */
export function variantCapacity(sageMaker: () => VariantScaling): CapacityPort {
  return {
    current: (resourceId) => {
      const variant = variantOf(resourceId);
      if (variant === undefined) return undefined;
      return sageMaker().capacityOf(variant.endpointName, variant.variantName)?.desired;
    },
    set: async (resourceId, count) => {
      const variant = variantOf(resourceId);
      if (variant === undefined) throw new Error(`${resourceId} is no endpoint variant.`);
      await sageMaker().setDesired(variant.endpointName, count);
    },
  };
}
