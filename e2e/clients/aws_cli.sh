#!/usr/bin/env bash
# Leads an asynchronous endpoint through its life with the AWS CLI: aws_cli.sh AWS PYTHON, with the program of the CLI and a Python
# that has boto3. Writes files to the current folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cli=$1 artifact=model.tar.gz
# The artifact and the image of the other clients.
image=$("$2" "$here/account.py" $artifact)
name=cli-life
bucket=cli-life-videos
resource=endpoint/$name/variant/AllTraffic
target=(--service-namespace sagemaker --resource-id "$resource" --scalable-dimension sagemaker:variant:DesiredInstanceCount)

# Prints text, without tabs around single values, so that values can be compared.
aws() { "$cli" --output text "$@"; }
# AWS CLI 1 ignores AWS_ENDPOINT_URL for SQS.
sqs() { aws sqs --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
fail() {
  echo "$*" >&2
  exit 1
}
equal() { [ "$1" = "$2" ] || fail "line ${BASH_LINENO[0]}: $1 is not $2"; }
matches() { [[ $1 =~ $2 ]] || fail "line ${BASH_LINENO[0]}: $1 does not match $2"; }
# Waits until a command succeeds, at most 3 minutes.
until_ok() {
  local end=$((SECONDS + 180))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "not within 3 minutes: $*"
    sleep 1
  done
}
# Expects that the emulator refuses a command by name.
refused() {
  local output
  if output=$(aws "$@" 2>&1); then fail "not refused: $*"; fi
  matches "$output" "does not implement"
}

# Storage: a file of many parts there and back, a folder, a presigned URL.
aws s3 mb "s3://$bucket"
aws s3 cp --quiet "$artifact" "s3://$bucket/model/model.tar.gz"
head -c 20000000 /dev/zero >large.bin
aws s3 cp --quiet large.bin "s3://$bucket/large.bin"
matches "$(aws s3api head-object --bucket "$bucket" --key large.bin --query ETag)" '-3"$'
aws s3 cp --quiet "s3://$bucket/large.bin" back.bin
cmp large.bin back.bin
mkdir -p inputs
for count in 0 1; do echo "{\"count\": $count}" >"inputs/$count.json"; done
echo '"error"' >inputs/error.json
aws s3 sync --quiet inputs "s3://$bucket/input"
equal "$(aws s3 ls "s3://$bucket/input/" | wc -l)" 3
curl --silent --show-error --fail --max-time 60 --output presigned.json "$(aws s3 presign "s3://$bucket/input/0.json")"
cmp inputs/0.json presigned.json

# The role, topics and a queue.
role=$(aws iam create-role --role-name $name --assume-role-policy-document "file://$here/execution-trust.json" --query Role.Arn)
aws iam put-role-policy --role-name $name --policy-name execution --policy-document "file://$here/execution-permissions.json"
aws iam wait role-exists --role-name $name
success=$(aws sns create-topic --name $name-success --query TopicArn)
error=$(aws sns create-topic --name $name-error --query TopicArn)
queue=$(sqs create-queue --queue-name $name --query QueueUrl)
queue_arn=$(sqs get-queue-attributes --queue-url "$queue" --attribute-names QueueArn --query Attributes.QueueArn)
cat >attributes.json <<JSON
{"Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Action\":\"sqs:SendMessage\",\"Resource\":\"$queue_arn\"}]}"}
JSON
sqs set-queue-attributes --queue-url "$queue" --attributes file://attributes.json
for topic in "$success" "$error"; do
  aws sns subscribe --topic-arn "$topic" --protocol sqs --notification-endpoint "$queue_arn" >/dev/null
done

# The endpoint.
aws sagemaker create-model --model-name $name --execution-role-arn "$role" \
  --primary-container "Image=$image,ModelDataUrl=s3://$bucket/model/model.tar.gz" >/dev/null
cat >async.json <<JSON
{"OutputConfig": {"S3OutputPath": "s3://$bucket/output/", "S3FailurePath": "s3://$bucket/failures/", "NotificationConfig": {"SuccessTopic": "$success", "ErrorTopic": "$error"}}}
JSON
aws sagemaker create-endpoint-config --endpoint-config-name $name --async-inference-config file://async.json \
  --production-variants "VariantName=AllTraffic,ModelName=$name,InstanceType=ml.c5.xlarge,InitialInstanceCount=1" >/dev/null
endpoint_arn=$(aws sagemaker create-endpoint --endpoint-name $name --endpoint-config-name $name --query EndpointArn)
aws sagemaker add-tags --resource-arn "$endpoint_arn" --tags Key=team,Value=video >/dev/null
equal "$(aws sagemaker list-tags --resource-arn "$endpoint_arn" --query 'Tags[].Value')" video
aws sagemaker wait endpoint-in-service --endpoint-name $name
equal "$(aws sagemaker describe-endpoint --endpoint-name $name --query 'ProductionVariants[0].CurrentInstanceCount')" 1
equal "$(aws sagemaker list-endpoints --query 'Endpoints[].EndpointName')" $name
aws sagemaker describe-model --model-name $name >/dev/null
aws sagemaker describe-endpoint-config --endpoint-config-name $name >/dev/null

# Requests: their objects and their messages.
invoke() {
  aws sagemaker-runtime invoke-endpoint-async --endpoint-name $name --input-location "s3://$bucket/input/$1.json" \
    --content-type application/json --inference-id "$1" --query "$2"
}
output=$(invoke 0 OutputLocation)
failure=$(invoke error FailureLocation)
until_ok aws s3 cp "$output" result.json
until_ok aws s3 cp "$failure" failure.txt
equal "$(cat result.json)" '{"echo": {"count": 0}}'
matches "$(cat failure.txt)" "The input is an error"
receive() {
  sqs receive-message --queue-url "$queue" --max-number-of-messages 10 --wait-time-seconds 1 --query 'Messages[].Body' >>messages.txt
  grep -q Completed messages.txt && grep -q Failed messages.txt
}
until_ok receive
sqs purge-queue --queue-url "$queue"

# To zero, and from zero.
aws application-autoscaling register-scalable-target "${target[@]}" --min-capacity 0 --max-capacity 2 >/dev/null
cat >tracking.json <<JSON
{"TargetValue": 2, "ScaleInCooldown": 60, "ScaleOutCooldown": 60, "CustomizedMetricSpecification": {"MetricName": "ApproximateBacklogSizePerInstance", "Namespace": "AWS/SageMaker", "Dimensions": [{"Name": "EndpointName", "Value": "$name"}], "Statistic": "Average"}}
JSON
aws application-autoscaling put-scaling-policy "${target[@]}" --policy-name backlog --policy-type TargetTrackingScaling \
  --target-tracking-scaling-policy-configuration file://tracking.json >/dev/null
echo '{"AdjustmentType": "ChangeInCapacity", "Cooldown": 60, "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}' >step.json
step=$(aws application-autoscaling put-scaling-policy "${target[@]}" --policy-name from-zero --policy-type StepScaling \
  --step-scaling-policy-configuration file://step.json --query PolicyARN)
aws cloudwatch put-metric-alarm --alarm-name $name-from-zero --namespace AWS/SageMaker --metric-name HasBacklogWithoutCapacity \
  --dimensions "Name=EndpointName,Value=$name" --statistic Average --period 60 --evaluation-periods 1 --threshold 1 \
  --comparison-operator GreaterThanOrEqualToThreshold --alarm-actions "$step"
equal "$(aws application-autoscaling describe-scalable-targets --service-namespace sagemaker --query 'ScalableTargets[0].MinCapacity')" 0
equal "$(aws application-autoscaling describe-scaling-policies --service-namespace sagemaker --query 'length(ScalingPolicies)')" 2
no_instance() {
  [ "$(aws sagemaker describe-endpoint --endpoint-name $name --query 'ProductionVariants[0].CurrentInstanceCount')" = 0 ]
}
until_ok no_instance
until_ok aws s3 cp "$(invoke 1 OutputLocation)" result.json
equal "$(cat result.json)" '{"echo": {"count": 1}}'
matches "$(aws application-autoscaling describe-scaling-activities --service-namespace sagemaker --query 'ScalingActivities[].Cause')" "$name-from-zero"

# Metrics, alarms and the log, by this machine's time.
since=$(date -u -d '-3 hours' +%Y-%m-%dT%H:%M:%SZ) now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
matches "$(aws cloudwatch get-metric-statistics --namespace AWS/SageMaker --metric-name ApproximateBacklogSize --dimensions "Name=EndpointName,Value=$name" \
  --start-time "$since" --end-time "$now" --period 60 --statistics Maximum --query 'Datapoints[].Maximum')" '[0-9]'
matches "$(aws cloudwatch list-metrics --namespace AWS/SageMaker --query 'Metrics[].MetricName')" HasBacklogWithoutCapacity
equal "$(aws cloudwatch describe-alarms --alarm-names $name-from-zero --query 'length(MetricAlarms)')" 1
matches "$(aws cloudwatch describe-alarm-history --alarm-name $name-from-zero --query 'AlarmHistoryItems[].HistoryItemType')" StateUpdate
group=/aws/sagemaker/Endpoints/$name
stream=$(aws logs describe-log-streams --log-group-name $group --query 'logStreams[0].logStreamName')
matches "$stream" ^AllTraffic/
aws logs get-log-events --log-group-name $group --log-stream-name "$stream" --limit 5 >/dev/null
matches "$(aws logs filter-log-events --log-group-name $group --filter-pattern ValueError --query 'events[].message')" "The input is an error"

# AWS CLI 1 does not have this command.
if [[ $("$cli" --version) == aws-cli/2.* ]]; then matches "$(aws logs tail $group --since 3h)" "The input is an error"; fi

refused cloudwatch put-composite-alarm --alarm-name all --alarm-rule TRUE
refused sagemaker list-training-jobs

# Delete everything. A scale-in may be under way: then SageMaker refuses to delete the endpoint.
for policy in backlog from-zero; do
  aws application-autoscaling delete-scaling-policy "${target[@]}" --policy-name $policy
done
aws application-autoscaling deregister-scalable-target "${target[@]}"
aws cloudwatch delete-alarms --alarm-names $name-from-zero
until_ok aws sagemaker delete-endpoint --endpoint-name $name
aws sagemaker wait endpoint-deleted --endpoint-name $name
aws sagemaker delete-endpoint-config --endpoint-config-name $name
aws sagemaker delete-model --model-name $name
for topic in "$success" "$error"; do aws sns delete-topic --topic-arn "$topic"; done
sqs delete-queue --queue-url "$queue"
aws logs delete-log-group --log-group-name $group
aws iam delete-role-policy --role-name $name --policy-name execution
aws iam delete-role --role-name $name
aws s3 rb --force "s3://$bucket"
equal "$(aws sagemaker list-endpoints --query 'length(Endpoints)')" 0
