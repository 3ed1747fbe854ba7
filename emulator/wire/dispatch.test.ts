/** Tests that SDK clients, and clients of older protocols, are understood and understand the answers. */

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { after, before, beforeEach, describe, it } from "mocha";
import {
  ApplicationAutoScalingClient,
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  ObjectNotFoundException,
  RegisterScalableTargetCommand,
  ValidationException,
} from "@aws-sdk/client-application-auto-scaling";
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetDashboardCommand,
  GetMetricDataCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
} from "@aws-sdk/client-cloudwatch";
import type { PutMetricDataCommandInput } from "@aws-sdk/client-cloudwatch";
import type { Gateway } from "../gateway/gateway.ts";
import { sdkConfig, signed, startTestGateway } from "../testing/test-gateway.ts";
import type { RawRequest } from "../testing/test-gateway.ts";
import { AwsError } from "./service.ts";
import type { Service } from "./service.ts";

const moment = new Date("2026-01-02T03:04:05.500Z");

describe("A service on the wire", () => {
  let gateway: Gateway;
  let inputs: Record<string, unknown>;

  const remember = (name: string, output: object) => (input: object) => {
    inputs[name] = input;
    return output;
  };
  const services: Service[] = [
    {
      model: "application-autoscaling",
      handlers: {
        RegisterScalableTarget: (input: object) =>
          remember("RegisterScalableTarget", { ScalableTargetARN: "arn:x" })(input),
        DescribeScalableTargets: (input: object) =>
          remember("DescribeScalableTargets", {
            ScalableTargets: [{ ResourceId: "endpoint/e/variant/v", MinCapacity: 0, CreationTime: moment }],
          })(input),
        DeregisterScalableTarget: () => {
          throw new AwsError("ObjectNotFoundException", "No scalable target found");
        },
      },
    },
    {
      model: "cloudwatch",
      handlers: {
        PutMetricData: (input: object) => remember("PutMetricData", {})(input),
        PutMetricAlarm: (input: object) => remember("PutMetricAlarm", {})(input),
        DescribeAlarms: (input: object) =>
          remember("DescribeAlarms", {
            MetricAlarms: [
              { AlarmName: "a <b> & c", Threshold: 4.5, StateUpdatedTimestamp: moment, ActionsEnabled: true },
            ],
          })(input),
        GetDashboard: () => {
          throw new AwsError("ResourceNotFound", "Dashboard d does not exist", 404);
        },
        DeleteDashboards: () => {
          throw new Error("a defect");
        },
        GetMetricData: (input: object) =>
          remember("GetMetricData", { MetricDataResults: [{ Id: "m", Timestamps: [moment], Values: [1, 2.5] }] })(
            input,
          ),
      },
    },
  ];

  before(async () => {
    gateway = await startTestGateway(services);
  });
  beforeEach(() => {
    inputs = {};
  });
  after(async () => {
    await gateway.stop();
  });

  const send = async (request: RawRequest) => fetch(gateway.url, await signed(gateway.url, request));
  const query = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    send({ service: "monitoring", headers, body: new URLSearchParams({ Version: "2010-08-01", ...fields }) });

  describe("in JSON (Application Auto Scaling)", () => {
    const client = () => new ApplicationAutoScalingClient(sdkConfig(gateway));
    const target = {
      ServiceNamespace: "sagemaker",
      ResourceId: "endpoint/e/variant/v",
      ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
    } as const;

    it("passes its input to the handler, including zero", async () => {
      const output = await client().send(
        new RegisterScalableTargetCommand({ ...target, MinCapacity: 0, MaxCapacity: 5 }),
      );
      assert.deepEqual(inputs["RegisterScalableTarget"], { ...target, MinCapacity: 0, MaxCapacity: 5 });
      assert.equal(output.ScalableTargetARN, "arn:x");
      assert.ok((output.$metadata.requestId ?? "") !== "");
    });

    it("answers with moments as Dates", async () => {
      const output = await client().send(new DescribeScalableTargetsCommand({ ServiceNamespace: "sagemaker" }));
      assert.deepEqual(output.ScalableTargets?.[0]?.CreationTime, moment);
    });

    it("answers with the operation's exceptions", async () => {
      await assert.rejects(client().send(new DeregisterScalableTargetCommand(target)), (error: unknown) => {
        assert.ok(error instanceof ObjectNotFoundException);
        assert.equal(error.message, "No scalable target found");
        return true;
      });
    });

    it("refuses a request that breaks a constraint, before the handler", async () => {
      const input = { ...target, ResourceId: "", MinCapacity: 1 };
      await assert.rejects(client().send(new RegisterScalableTargetCommand(input)), (error: unknown) => {
        assert.ok(error instanceof ValidationException);
        assert.match(error.message, /Value '' at 'resourceId' failed to satisfy constraint: Member must have length/);
        return true;
      });
      assert.deepEqual(inputs, {});
    });

    it("refuses an operation without a handler by name", async () => {
      const answer = await send({
        service: "application-autoscaling",
        headers: {
          "x-amz-target": "AnyScaleFrontendService.GetPredictiveScalingForecast",
        },
        body: "{}",
      });
      assert.equal(answer.status, 501);
      assert.deepEqual(await answer.json(), {
        __type: "NotImplementedException",
        message: "The emulator does not implement application-autoscaling:GetPredictiveScalingForecast.",
      });
    });

    it("refuses an operation that does not exist, and a request without one", async () => {
      for (const target of ["AnyScaleFrontendService.Nothing", "Other.RegisterScalableTarget"]) {
        const answer = await send({
          service: "application-autoscaling",
          headers: { "x-amz-target": target },
          body: "{}",
        });
        assert.equal(answer.status, 404);
        assert.match(await answer.text(), /UnknownOperationException/);
      }
    });
  });

  describe("in CBOR (CloudWatch, current SDKs)", () => {
    const client = () => new CloudWatchClient(sdkConfig(gateway));

    it("passes moments, sets and lists to the handler", async () => {
      const input: PutMetricDataCommandInput = {
        Namespace: "N",
        MetricData: [{ MetricName: "m", Timestamp: moment, Value: 1.5, Dimensions: [{ Name: "d", Value: "v" }] }],
      };
      await client().send(new PutMetricDataCommand(input));
      assert.deepEqual(inputs["PutMetricData"], input);
    });

    it("unpacks large bodies, which SDKs compress", async () => {
      const MetricData = Array.from({ length: 500 }, (_, index) => ({ MetricName: `metric-${index}`, Value: index }));
      await client().send(new PutMetricDataCommand({ Namespace: "N", MetricData }));
      assert.deepEqual(inputs["PutMetricData"], { Namespace: "N", MetricData });
    });

    it("answers with moments and fractions", async () => {
      const output = await client().send(new DescribeAlarmsCommand({}));
      assert.deepEqual(output.MetricAlarms, [
        { AlarmName: "a <b> & c", Threshold: 4.5, StateUpdatedTimestamp: moment, ActionsEnabled: true },
      ]);
    });

    it("answers with lists of numbers and moments", async () => {
      const output = await client().send(
        new GetMetricDataCommand({
          StartTime: moment,
          EndTime: moment,
          MetricDataQueries: [{ Id: "m", Expression: "1" }],
        }),
      );
      assert.deepEqual(output.MetricDataResults, [{ Id: "m", Timestamps: [moment], Values: [1, 2.5] }]);
    });

    it("names exceptions as in the query protocol", async () => {
      await assert.rejects(client().send(new GetDashboardCommand({ DashboardName: "d" })), {
        name: "ResourceNotFound",
        message: "Dashboard d does not exist",
      });
    });

    it("refuses a broken constraint with CloudWatch's code", async () => {
      const input = { AlarmName: "", ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: 1 } as const;
      await assert.rejects(client().send(new PutMetricAlarmCommand(input)), (error: unknown) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /Value '' at 'alarmName' failed/);
        assert.match(error.name, /^Validation(Error|Exception)$/);
        return true;
      });
    });
  });

  describe("in JSON (CloudWatch, some CLIs)", () => {
    it("works the same", async () => {
      const answer = await send({
        service: "monitoring",
        headers: {
          "x-amz-target": "GraniteServiceVersion20100801.DescribeAlarms",
          "content-type": "application/x-amz-json-1.0",
        },
        body: JSON.stringify({ AlarmNames: ["a"] }),
      });
      assert.deepEqual(inputs["DescribeAlarms"], { AlarmNames: ["a"] });
      assert.equal(answer.headers.get("content-type"), "application/x-amz-json-1.0");
      const { MetricAlarms } = (await answer.json()) as { MetricAlarms: object[] };
      assert.deepEqual(MetricAlarms, [
        {
          AlarmName: "a <b> & c",
          Threshold: 4.5,
          StateUpdatedTimestamp: moment.getTime() / 1000,
          ActionsEnabled: true,
        },
      ]);
    });
  });

  describe("in the query protocol (CloudWatch, older clients)", () => {
    it("passes numbered lists to the handler in order", async () => {
      const answer = await query({
        Action: "PutMetricData",
        Namespace: "N",
        "MetricData.member.2.MetricName": "second",
        "MetricData.member.10.MetricName": "third",
        "MetricData.member.1.MetricName": "first",
        "MetricData.member.1.Value": "1.5",
        "MetricData.member.1.Timestamp": "2026-01-02T03:04:05.500Z",
        "MetricData.member.1.Dimensions.member.1.Name": "d",
        "MetricData.member.1.Dimensions.member.1.Value": "v",
      });
      assert.equal(answer.status, 200);
      assert.deepEqual(inputs["PutMetricData"], {
        Namespace: "N",
        MetricData: [
          { MetricName: "first", Value: 1.5, Timestamp: moment, Dimensions: [{ Name: "d", Value: "v" }] },
          { MetricName: "second" },
          { MetricName: "third" },
        ],
      });
    });

    it("answers with XML, escaped", async () => {
      const answer = await query({ Action: "DescribeAlarms" });
      const xml = await answer.text();
      assert.equal(answer.headers.get("content-type"), "text/xml");
      assert.ok(
        xml.includes(
          `<DescribeAlarmsResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><DescribeAlarmsResult><MetricAlarms><member>`,
        ),
        xml,
      );
      assert.ok(xml.includes("<AlarmName>a &lt;b&gt; &amp; c</AlarmName>"), xml);
      assert.ok(xml.includes("<StateUpdatedTimestamp>2026-01-02T03:04:05.500Z</StateUpdatedTimestamp>"), xml);
      assert.match(xml, /<ResponseMetadata><RequestId>[0-9a-f-]{36}<\/RequestId><\/ResponseMetadata>/);
    });

    it("answers an operation without output", async () => {
      const xml = await (
        await query({
          Action: "PutMetricAlarm",
          AlarmName: "a",
          ComparisonOperator: "GreaterThanThreshold",
          EvaluationPeriods: "1",
        })
      ).text();
      assert.match(xml, /<PutMetricAlarmResponse [^>]*><ResponseMetadata>/);
    });

    it("answers with the old code of an error", async () => {
      const answer = await query({ Action: "GetDashboard", DashboardName: "d" });
      assert.equal(answer.status, 404);
      assert.match(
        await answer.text(),
        /<ErrorResponse [^>]*><Error><Type>Sender<\/Type><Code>ResourceNotFound<\/Code><Message>Dashboard d does not exist<\/Message>/,
      );
    });

    it("refuses a value that is not a number", async () => {
      const answer = await query({ Action: "PutMetricAlarm", AlarmName: "a", EvaluationPeriods: "many" });
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /<Code>MalformedInput<\/Code>/);
    });

    it("unpacks gzip", async () => {
      const answer = await send({
        service: "monitoring",
        headers: {
          "content-type": "application/x-www-form-urlencoded; charset=utf-8",
          "content-encoding": "gzip",
        },
        body: gzipSync("Action=DescribeAlarms&AlarmNames.member.1=a"),
      });
      assert.equal(answer.status, 200);
      assert.deepEqual(inputs["DescribeAlarms"], { AlarmNames: ["a"] });
    });
  });

  it("turns a defect of a handler into InternalFailure, and names the failed operation", async () => {
    const answer = await query({ Action: "DeleteDashboards", "DashboardNames.member.1": "d" });
    assert.equal(answer.status, 500);
    assert.match(
      await answer.text(),
      /<Type>Receiver<\/Type><Code>InternalFailure<\/Code>.*DeleteDashboards: a defect/,
    );
  });

  it("cannot have a handler for an operation that is not in its model", async () => {
    await assert.rejects(startTestGateway([{ model: "cloudwatch", handlers: { PutMetricAlarms: () => ({}) } }]), {
      message: /PutMetricAlarms/,
    });
  });
});
