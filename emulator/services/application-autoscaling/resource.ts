/** The only kind of resource that the emulator scales: the instances of a SageMaker endpoint's variant. */

import { validationException } from "../../wire/service.ts";

/** Service namespace of the supported resources. */
export const serviceNamespace = "sagemaker";
/** Scalable dimension of the supported resources. */
export const scalableDimension = "sagemaker:variant:DesiredInstanceCount";

/** Names of a resource in requests. */
export interface ResourceKey {
  readonly ServiceNamespace: string | undefined;
  readonly ResourceId?: string | undefined;
  readonly ScalableDimension?: string | undefined;
}

/** `endpoint/NAME/variant/VARIANT` */
const resourceIdForm = /^endpoint\/[^/]+\/variant\/[^/]+$/;

/**
 * Checks that the request concerns variants of SageMaker endpoints.
 * @throws {AwsError} ValidationException if it does not
 */
export function checkKind({ ServiceNamespace, ResourceId, ScalableDimension }: ResourceKey): void {
  if (ServiceNamespace !== serviceNamespace) {
    throw validationException(
      `The emulator implements Application Auto Scaling for the service namespace ${serviceNamespace} only, not for ${String(ServiceNamespace)}.`,
    );
  }
  const isOtherDimension = ScalableDimension !== undefined && ScalableDimension !== scalableDimension;
  if (isOtherDimension && ScalableDimension.startsWith(`${serviceNamespace}:`)) {
    throw validationException(
      `The emulator implements Application Auto Scaling for the scalable dimension ${scalableDimension} only, not for ${ScalableDimension}.`,
    );
  }
  if (isOtherDimension || (ResourceId !== undefined && !resourceIdForm.test(ResourceId))) {
    throw validationException("Unsupported service namespace, resource type or scalable dimension");
  }
}
