/** Tests that locations in S3 are parsed in each spelling of AWS's APIs. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { below, parseS3Location } from "./s3-location.ts";

describe("A location in S3", () => {
  const cases: [string, string, string][] = [
    ["s3://bucket/a/b.mp4", "bucket", "a/b.mp4"],
    ["s3://bucket/", "bucket", ""],
    ["s3://bucket", "bucket", ""],
    ["s3://bucket/a b+%20.mp4", "bucket", "a b+%20.mp4"],
    ["s3://bucket//a", "bucket", "/a"],
    ["https://bucket.s3.us-east-1.amazonaws.com/a%20b", "bucket", "a b"],
    ["https://my.bucket.s3.amazonaws.com/a", "my.bucket", "a"],
    ["https://s3.eu-west-1.amazonaws.com/bucket/a/b", "bucket", "a/b"],
    ["https://s3-eu-west-1.amazonaws.com/bucket/a", "bucket", "a"],
    ["https://bucket.s3.cn-north-1.amazonaws.com.cn/a", "bucket", "a"],
  ];
  for (const [text, bucket, key] of cases) {
    it(`is found in ${text}`, () => {
      assert.deepEqual(parseS3Location(text), { bucket, key });
    });
  }

  for (const text of [
    "",
    "bucket/key",
    "https://example.com/bucket/key",
    "https://s3.evil.com/b/k",
    "ftp://b/k",
    "https://[",
  ]) {
    it(`is not found in '${text}'`, () => {
      assert.equal(parseS3Location(text), undefined);
    });
  }
  it("has locations below it, separated by one slash", () => {
    for (const prefix of ["a/b", "a/b/", "a/b//"]) {
      assert.deepEqual(below({ bucket: "x", key: prefix }, "c"), { bucket: "x", key: "a/b/c" });
    }
    assert.deepEqual(below({ bucket: "x", key: "" }, "c"), { bucket: "x", key: "c" });
  });
});
