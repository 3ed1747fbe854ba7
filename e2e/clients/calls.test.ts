/** Tests the tables of clients' calls. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { callTable, versionOnPage, withTable } from "./calls.ts";

const page = "# Clients\n\n<!-- boto3: written by npm run docs:clients -->\n\nold\n\n<!-- end of boto3 -->\n\nend\n";

describe("the table of a client's calls", () => {
  it("lists each call once, by service", () => {
    const calls = [
      { service: "S3", operation: "PutObject" },
      { service: "IAM", operation: "GetRole" },
      { service: "S3", operation: "GetObject" },
      { service: "S3", operation: "PutObject" },
    ];
    assert.deepEqual(callTable("boto3 1", calls).slice(4), [
      "| IAM | `GetRole` |  |",
      "| S3 | `GetObject`, `PutObject` |  |",
    ]);
  });

  it("lists refusals by name, with the feature if the call works without it", () => {
    const calls = [
      {
        service: "A",
        operation: "Put",
        code: "NotImplementedException",
        message: "The emulator does not implement a:Put.",
      },
      {
        service: "A",
        operation: "Make",
        code: "ValidationException",
        message: "The emulator does not implement B in Make.",
      },
    ];
    assert.deepEqual(callTable("boto3 1", calls).slice(4), ["| A |  | `Make` with B in Make, `Put` |"]);
  });

  it("leaves out calls that failed as on AWS", () => {
    assert.equal(
      callTable("1", [{ service: "S3", operation: "HeadObject", code: "404", message: "Not Found" }]).length,
      4,
    );
  });
});

describe("the page with the tables", () => {
  it("gets a client's table in place of the old one, and tells its version", () => {
    const changed = withTable(page, "boto3", callTable("boto3 1", []));
    assert.equal(versionOnPage(changed, "boto3"), "boto3 1");
    assert.ok(!changed.includes("old") && changed.endsWith("<!-- end of boto3 -->\n\nend\n"));
    assert.equal(withTable(changed, "boto3", callTable("boto3 1", [])), changed);
  });

  it("must have a place for the table", () => {
    assert.throws(() => versionOnPage(page, "terraform"), /no lines "<!-- terraform/);
  });
});
