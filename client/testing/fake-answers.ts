/** For tests: answers in the formats of AWS's services. */

/** One HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Makes a JSON service's answer. */
export function json(body: object): Answer {
  return { status: 200, headers: { "content-type": "application/x-amz-json-1.1" }, body: JSON.stringify(body) };
}

/** Makes S3's answer. */
export function xml(body: string): Answer {
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}

/** Makes an error answer. */
export function errorAnswer(isS3: boolean, status: number, code: string, message = code): Answer {
  if (isS3) return { ...xml(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`), status };
  return {
    status,
    headers: { "content-type": "application/json", "x-amzn-errortype": code },
    body: JSON.stringify({ Message: message }),
  };
}
