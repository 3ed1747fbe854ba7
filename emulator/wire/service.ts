/**
 * Interface of a service behind the gateway: a name of one of AWS's API models, and a handler for each operation that
 * it implements.
 */

/** Origin of a request, for handlers. */
export interface RequestContext {
  readonly region: string;
  readonly accountId: string;
  readonly requestId: string;
  /** Access key ID of the caller, whose signature is verified. */
  readonly accessKeyId: string;
  /** Moment of arrival on the emulator's clock. */
  readonly now: Date;
}

/**
 * One operation. The input was checked against the API model and has the types that the AWS SDK for JavaScript gives it
 * (Date for timestamps, Uint8Array for blobs, absent members absent); the output likewise, without `$metadata`.
 */
export type Handler<Input, Output> = (input: Input, context: RequestContext) => Promise<Output> | Output;

/**
 * Handlers of a service's operations by name, with the types of the SDK's client: `Client` is its interface with one
 * method for each operation, such as `SageMaker`.
 */
export type Handlers<Client> = {
  readonly [Method in keyof Client & string as Capitalize<Method>]?: Client[Method] extends (
    input: infer Input,
    options: never,
    callback: (error: never, output?: infer Output) => void,
  ) => void
    ? Handler<Input, Omit<Output, "$metadata">>
    : never;
};

/** A service: the gateway refuses, by name, each operation of the model that has no handler. */
export interface Service {
  /** botocore's name of the API model: `sagemaker`, `sagemaker-runtime`, `application-autoscaling`, `cloudwatch`. */
  readonly model: string;
  // `never` takes handlers of any input type; the gateway calls them with an input that the model has checked.
  readonly handlers: Readonly<Record<string, Handler<never, object>>>;
}

/**
 * Checks that the caller may call an operation; rejects with an AwsError if not. The input has the model's types, but
 * is not checked otherwise.
 */
export type Authorization = (
  operation: string,
  input: Readonly<Record<string, unknown>>,
  context: RequestContext,
) => Promise<void>;

/** An AWS error answer: the code of one of the operation's error shapes (or a common one) and AWS's message. */
export class AwsError extends Error {
  override readonly name = "AwsError";
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** Further members of the error shape. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.members = members;
  }
}

/** Makes the error by which most services refuse an input. */
export function validationException(message: string): AwsError {
  return new AwsError("ValidationException", message);
}
