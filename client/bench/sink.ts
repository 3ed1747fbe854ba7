/**
 * A server that accepts uploads and invocations, answers as S3 and SageMaker's runtime do, and stores nothing: a
 * separate process, so that its memory does not count as the client's.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

let requests = 0;

/** Reads and drops the body, then answers. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  requests += 1;
  const number = requests;
  request.resume().once("end", () => {
    answer(request, response, number);
  });
}

function answer({ method, url = "" }: IncomingMessage, response: ServerResponse, number: number): void {
  if (url.endsWith("/async-invocations")) {
    response.writeHead(202, {
      "content-type": "application/json",
      "x-amzn-sagemaker-outputlocation": `s3://out/results/${number}.out`,
      "x-amzn-sagemaker-failurelocation": `s3://out/failures/${number}-error.out`,
    });
    response.end(`{"InferenceId":"${number}"}`);
  } else if (method === "HEAD") {
    response.writeHead(404, { "content-length": 0 }).end();
  } else if (method === "POST" && url.includes("uploads")) {
    response.writeHead(200, { "content-type": "application/xml" });
    response.end(`<InitiateMultipartUploadResult><UploadId>${number}</UploadId></InitiateMultipartUploadResult>`);
  } else if (method === "POST" && url.includes("uploadId")) {
    response.writeHead(200, { "content-type": "application/xml" });
    response.end("<CompleteMultipartUploadResult><ETag>etag</ETag></CompleteMultipartUploadResult>");
  } else if (method === "PUT") {
    response.writeHead(200, { etag: `"${number}"` }).end();
  } else {
    // DescribeEndpoint: a caller without the right to describe the endpoint may still submit.
    response.writeHead(400, { "x-amzn-errortype": "AccessDeniedException" }).end("{}");
  }
}

const server = createServer(serve).listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
// Ends with its parent.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit();
}, 1000);
