# The resource types of the stack, each at least once, as a user of Terraform writes them.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

variable "folder" {
  description = "Folder of the clients' tests."
  type        = string
}
variable "artifact" {
  description = "Path of the model's artifact."
  type        = string
}
variable "image" {
  description = "Address of the serving image."
  type        = string
}
variable "revision" {
  description = "A change makes a new model and configuration, and updates the endpoint."
  type        = string
  default     = "1"
}
variable "max_capacity" {
  type    = number
  default = 2
}
variable "backlog_target" {
  type    = number
  default = 2
}
variable "retention" {
  type    = number
  default = 7
}
variable "owner" {
  type    = string
  default = "video"
}

provider "aws" {
  s3_use_path_style = true
  default_tags {
    tags = { owner = var.owner }
  }
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  name     = "tf-life"
  resource = "endpoint/${aws_sagemaker_endpoint.this.name}/variant/AllTraffic"
}

resource "aws_kms_key" "this" {
  description             = local.name
  enable_key_rotation     = true
  deletion_window_in_days = 7
}

resource "aws_kms_alias" "this" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.this.id
}

resource "aws_s3_bucket" "this" {
  bucket        = "${local.name}-videos"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  depends_on = [aws_s3_bucket_versioning.this]
  bucket     = aws_s3_bucket.this.id
  rule {
    id     = "inputs"
    status = "Enabled"
    filter {
      prefix = "input/"
    }
    expiration {
      days = var.retention
    }
  }
}

data "aws_iam_policy_document" "bucket" {
  statement {
    effect    = "Deny"
    actions   = ["s3:DeleteBucket"]
    resources = [aws_s3_bucket.this.arn]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:PrincipalAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.bucket.json
}

resource "aws_s3_object" "model" {
  depends_on = [aws_s3_bucket_versioning.this, aws_s3_bucket_server_side_encryption_configuration.this]
  bucket     = aws_s3_bucket.this.id
  key        = "models/model.tar.gz"
  source     = var.artifact
  tags       = { purpose = "model" }
}

resource "aws_sns_topic" "this" {
  for_each          = toset(["success", "error"])
  name              = "${local.name}-${each.key}"
  kms_master_key_id = aws_kms_key.this.id
}

data "aws_iam_policy_document" "topic" {
  for_each = aws_sns_topic.this
  statement {
    actions   = ["sns:Publish"]
    resources = [each.value.arn]
    principals {
      type        = "AWS"
      identifiers = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_sns_topic_policy" "this" {
  for_each = aws_sns_topic.this
  arn      = each.value.arn
  policy   = data.aws_iam_policy_document.topic[each.key].json
}

resource "aws_sqs_queue" "dead" {
  name                      = "${local.name}-dead"
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "this" {
  name                       = local.name
  visibility_timeout_seconds = 60
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 })
}

data "aws_iam_policy_document" "queue" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.this.arn]
    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }
  }
}

resource "aws_sqs_queue_policy" "this" {
  queue_url = aws_sqs_queue.this.url
  policy    = data.aws_iam_policy_document.queue.json
}

resource "aws_sns_topic_subscription" "this" {
  for_each             = aws_sns_topic.this
  topic_arn            = each.value.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.this.arn
  raw_message_delivery = true
}

resource "aws_iam_role" "this" {
  name               = local.name
  assume_role_policy = file("${var.folder}/execution-trust.json")
}

resource "aws_iam_role_policy" "this" {
  name   = "execution"
  role   = aws_iam_role.this.name
  policy = file("${var.folder}/execution-permissions.json")
}

data "aws_iam_policy_document" "key" {
  statement {
    actions   = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
  }
}

resource "aws_iam_policy" "key" {
  name   = "${local.name}-key"
  policy = data.aws_iam_policy_document.key.json
}

resource "aws_iam_role_policy_attachment" "key" {
  role       = aws_iam_role.this.name
  policy_arn = aws_iam_policy.key.arn
}

resource "aws_sagemaker_model" "this" {
  depends_on         = [aws_iam_role_policy.this, aws_iam_role_policy_attachment.key]
  name               = "${local.name}-${var.revision}"
  execution_role_arn = aws_iam_role.this.arn
  primary_container {
    image          = var.image
    model_data_url = "s3://${aws_s3_object.model.bucket}/${aws_s3_object.model.key}"
    environment    = { REVISION = var.revision }
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sagemaker_endpoint_configuration" "this" {
  name        = "${local.name}-${var.revision}"
  kms_key_arn = aws_kms_key.this.arn
  production_variants {
    variant_name           = "AllTraffic"
    model_name             = aws_sagemaker_model.this.name
    instance_type          = "ml.g4dn.xlarge"
    initial_instance_count = 1
  }
  async_inference_config {
    output_config {
      s3_output_path  = "s3://${aws_s3_bucket.this.id}/output/"
      s3_failure_path = "s3://${aws_s3_bucket.this.id}/failures/"
      notification_config {
        success_topic = aws_sns_topic.this["success"].arn
        error_topic   = aws_sns_topic.this["error"].arn
      }
    }
    client_config {
      max_concurrent_invocations_per_instance = 2
    }
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sagemaker_endpoint" "this" {
  name                 = local.name
  endpoint_config_name = aws_sagemaker_endpoint_configuration.this.name
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "sagemaker"
  resource_id        = local.resource
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  min_capacity       = 1
  max_capacity       = var.max_capacity
}

resource "aws_appautoscaling_policy" "backlog" {
  name               = "backlog"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  target_tracking_scaling_policy_configuration {
    target_value       = var.backlog_target
    scale_in_cooldown  = 300
    scale_out_cooldown = 60
    customized_metric_specification {
      metric_name = "ApproximateBacklogSizePerInstance"
      namespace   = "AWS/SageMaker"
      statistic   = "Average"
      dimensions {
        name  = "EndpointName"
        value = aws_sagemaker_endpoint.this.name
      }
    }
  }
}

resource "aws_appautoscaling_policy" "from_zero" {
  name               = "from-zero"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  step_scaling_policy_configuration {
    adjustment_type = "ChangeInCapacity"
    cooldown        = 60
    step_adjustment {
      metric_interval_lower_bound = "0"
      scaling_adjustment          = 1
    }
  }
}

resource "aws_appautoscaling_scheduled_action" "warm" {
  name               = "warm"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  schedule           = "cron(0 8 ? * MON-FRI *)"
  scalable_target_action {
    min_capacity = 1
    max_capacity = var.max_capacity
  }
}

resource "aws_cloudwatch_metric_alarm" "from_zero" {
  alarm_name          = "${local.name}-from-zero"
  namespace           = "AWS/SageMaker"
  metric_name         = "HasBacklogWithoutCapacity"
  dimensions          = { EndpointName = aws_sagemaker_endpoint.this.name }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  alarm_actions       = [aws_appautoscaling_policy.from_zero.arn]
}

resource "aws_cloudwatch_metric_alarm" "failure_rate" {
  alarm_name          = "${local.name}-failure-rate"
  evaluation_periods  = 1
  threshold           = 0.1
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.this["error"].arn]
  metric_query {
    id          = "rate"
    expression  = "failed / sent"
    return_data = true
  }
  dynamic "metric_query" {
    for_each = { failed = "InvocationFailures", sent = "InvocationsProcessed" }
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/SageMaker"
        metric_name = metric_query.value
        dimensions  = { EndpointName = aws_sagemaker_endpoint.this.name }
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.name
  dashboard_body = jsonencode({
    widgets = [
      {
        type   = "metric"
        x      = 0
        y      = 0
        width  = 12
        height = 6
        properties = {
          region  = data.aws_region.current.name
          metrics = [["AWS/SageMaker", "ApproximateBacklogSize", "EndpointName", local.name]]
          stat    = "Maximum"
          period  = 60
        }
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${local.name}"
  retention_in_days = var.retention
}
