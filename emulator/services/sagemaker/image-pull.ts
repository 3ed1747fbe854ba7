/** The permissions by which SageMaker pulls a container's image, checked without a registry. */

import type { Authorizer, RoleActor } from "../../iam/authorizer.ts";

/** The execution role may not pull the image. */
export class ImagePullError extends Error {
  override readonly name = "ImagePullError";
}

/** Source: developer guide, "How to use SageMaker AI execution roles", CreateModel API. */
const layerActions = ["BatchGetImage", "GetDownloadUrlForLayer", "BatchCheckLayerAvailability"];

/**
 * Checks that an actor may pull an image in ECR. The registry's own policy is not known here: AWS's repositories of
 * images let every account pull.
 * @throws {ImagePullError} in AWS's words
 */
export async function checkImagePull(authorizer: Authorizer, actor: RoleActor, image: string): Promise<void> {
  const [, account = "", region = "", repository = ""] =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[a-z.]+\/([^:@]+)[:@]/.exec(image) ?? [];
  const arn = `arn:aws:ecr:${region}:${account}:repository/${repository}`;
  const needed = [["GetAuthorizationToken", "*"] as const, ...layerActions.map((name) => [name, arn] as const)];
  for (const [name, resource] of needed) {
    const request = { caller: actor, action: `ecr:${name}`, resources: [resource], context: {} };
    const { allowed } = await authorizer.authorize(request);
    if (!allowed) {
      // Observed for BatchGetImage (aws/sagemaker-python-sdk#2002).
      throw new ImagePullError(
        `The role '${actor.roleArn}' does not have ${name} permission for the image: '${image}'.`,
      );
    }
  }
}
