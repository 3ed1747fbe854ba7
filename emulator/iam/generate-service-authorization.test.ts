/** Tests that the committed part of the Service Authorization Reference is the installed package's. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "mocha";
import { dataFile, serviceAuthorization } from "./generate-service-authorization.ts";

describe("service-authorization.json", () => {
  it("is generated from the installed package", async () => {
    const committed: unknown = JSON.parse(await readFile(dataFile, "utf8"));
    assert.deepEqual(committed, await serviceAuthorization(), "run npm run -s iam:data");
  });
});
