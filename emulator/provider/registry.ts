/** All types that the provider serves, by token. */
import * as appautoscaling from "./appautoscaling.ts";
import * as cloudwatch from "./cloudwatch.ts";
import * as iam from "./iam.ts";
import * as kms from "./kms.ts";
import type { ResourceType } from "./resource.ts";
import { bucket } from "./s3.ts";
import { bucketObjectv2 } from "./s3-object.ts";
import * as s3Settings from "./s3-settings.ts";
import * as sagemaker from "./sagemaker.ts";
import * as sns from "./sns.ts";
import * as sqs from "./sqs.ts";

/** These modules export nothing but types. */
const modules = [appautoscaling, cloudwatch, iam, kms, s3Settings, sagemaker, sns, sqs];
const all: readonly ResourceType[] = [bucket, bucketObjectv2, ...modules.flatMap((types) => Object.values(types))];

const types = new Map(all.map((type) => [type.token, type]));

/** The type with this token, if the provider serves it. */
export const findType = (token: string): ResourceType | undefined => types.get(token);

/** All tokens, sorted. */
export const tokens: readonly string[] = [...types.keys()].sort();
