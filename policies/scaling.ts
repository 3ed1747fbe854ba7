/** Policies about how many instances there are. */
import { Target } from "@pulumi/aws/appautoscaling/target.js";
import { type ResourceValidationPolicy, validateResourceOfType } from "@pulumi/policy";

/** An endpoint with nothing to do has no instance, and so costs nothing. */
export const minCapacityZero: ResourceValidationPolicy = {
  name: "min-capacity-zero",
  description:
    "A SageMaker endpoint variant scales in to zero instances: each that stays is billed while nothing is queued.",
  enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(Target, (target, { name }, reportViolation) => {
    if (target.serviceNamespace !== "sagemaker" || target.scalableDimension !== variantInstances) return;
    if (target.minCapacity !== 0) {
      reportViolation(
        `The scalable target '${name}' keeps ${target.minCapacity} instance(s) running while nothing is queued. ` +
          `Set its minCapacity to 0.`,
      );
    }
  }),
};

/** The one scalable dimension of SageMaker that counts an endpoint variant's instances. */
const variantInstances = "sagemaker:variant:DesiredInstanceCount";
