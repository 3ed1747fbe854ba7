/** Tests the searches for metrics with the CloudWatch user guide's examples. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MetricMathError } from "./metric-math-errors.ts";
import { metricSearch } from "./metric-search.ts";
import type { MetricId } from "./metric-types.ts";

function metric(name: string, dimensions: MetricId["dimensions"] = {}, namespace = "MyNamespace"): MetricId {
  return { namespace, name, dimensions };
}

function matches(text: string, candidate: MetricId): boolean {
  return metricSearch({ text, statistic: "Sum", seconds: 60 }).matches(candidate);
}

describe("a search for metrics", () => {
  const count = metric("CustomCount1");
  const lambda = (name: string, FunctionName: string): MetricId => metric(name, { FunctionName }, "AWS/Lambda");
  const instance = (InstanceId: string): MetricId => metric("CPUUtilization", { InstanceId }, "AWS/EC2");
  const nested =
    '{AWS/Lambda,FunctionName} MetricName="Errors" OR (MetricName="Invocations" AND (ProjectA OR ProjectB))';
  const examples: readonly (readonly [text: string, candidate: MetricId, isFound: boolean])[] = [
    ...(["count", "Count", "COUNT", "CustomCount", "Count1", "customcount1"] as const).map(
      (term) => [term, count, true] as const,
    ),
    ...(["couNT", "customcount", "count1"] as const).map((term) => [term, count, false] as const),
    ...(["network/errors", "network+errors", "network-errors", "Network_Errors"] as const).flatMap((term) => [
      [term, metric("Network-Errors-2"), true] as const,
      [term, metric("NetworkErrors2"), true] as const,
    ]),
    ["SDB", metric("SDBFailure"), true],
    ["failure", metric("SDBFailure"), true],
    ["333", metric("Project2-trial333"), true],
    [' {MyNamespace}, "CustomCount1" ', count, true],
    [' {MyNamespace}, "customcount1" ', count, false],
    [' {MyNamespace}, "Custom" ', count, false],
    [' {Other}, "CustomCount1" ', count, false],
    ['"Network_Errors_2"', metric("Network-Errors-2"), false],
    [
      '{"My Namespace", "Dimension@Name"}, "Custom:Name[Special_Characters"',
      metric("Custom:Name[Special_Characters", { "Dimension@Name": "x" }, "My Namespace"),
      true,
    ],
    [String.raw`"Europe\\France Traffic\(Network\)"`, metric(String.raw`Europe\France Traffic(Network)`), true],
    ["{AWS/EC2,InstanceId}", instance("i-1"), true],
    ["{AWS/EC2,InstanceId}", metric("CPUUtilization", { InstanceId: "i-1", More: "x" }, "AWS/EC2"), false],
    ["{AWS/EC2}", instance("i-1"), true],
    ['MetricName="CustomCount1"', metric("Other", { Name: "CustomCount1" }), false],
    ["InstanceType=micro", metric("X", { InstanceType: "t2.micro" }), true],
    ["InstanceType=micro", metric("micro", { InstanceId: "micro" }), false],
    ["constructor=micro", metric("X", { InstanceType: "t2.micro" }), false],
    ['"InstanceId"=("i-1" OR "i-2") MetricName="CPUUtilization"', instance("i-2"), true],
    ['"InstanceId"=("i-1" OR "i-2") MetricName="CPUUtilization"', instance("i-3"), false],
    ["NOT Namespace=AWS", count, true],
    ["NOT Namespace=AWS", instance("i-1"), false],
    ['{AWS/EC2,InstanceId} MetricName="CPUUtilization" NOT i-1234567890123456', instance("i-1234567890123456"), false],
    ['{AWS/EC2,InstanceId} MetricName="CPUUtilization" NOT i-1234567890123456', instance("i-6543210987654321"), true],
    ["(EC2 OR EBS) MetricName=ReadOps", metric("VolumeReadOps", {}, "AWS/EBS"), true],
    ["(EC2 OR EBS) AND MetricName=ReadOps", metric("VolumeWriteOps", {}, "AWS/EBS"), false],
    [nested, lambda("Errors", "any"), true],
    [nested, lambda("Invocations", "ProjectB-main"), true],
    [nested, lambda("Invocations", "other"), false],
  ];
  for (const [text, candidate, isFound] of examples) {
    const { namespace, name, dimensions } = candidate;
    it(`for ${text} ${isFound ? "finds" : "does not find"} ${namespace} ${name} ${JSON.stringify(dimensions)}`, () => {
      assert.equal(matches(text, candidate), isFound);
    });
  }

  for (const text of ["", "{", "{A", "(a", "a AND", "a OR", "NOT", "=x", "a=b=c", '"open', "-", "x".repeat(1_025)]) {
    it(`refuses '${text.slice(0, 20)}'`, () => {
      assert.throws(() => metricSearch({ text, statistic: "Sum", seconds: 60 }), MetricMathError);
    });
  }
});
