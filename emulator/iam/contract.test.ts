import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, it } from "mocha";
import { ministackPython } from "../../tools/paths.mjs";

/** MiniStack's functions that the launcher calls or replaces, with their parameters. */
const functions: Readonly<Record<string, string>> = {
  "app._authenticate_only": "service, headers, query_params, request_id",
  "app.extract_access_key_id": "headers, query_params",
  "app.pin_request_origin": "source_ip, secure_transport",
  "app.pin_signed_request": "method, raw_path, query_params, raw_headers, handshake",
  "core.iam_actions.access_denied_response":
    "service, action, principal_arn, request_id, error_code, message, headers, resource_arn, explicit_deny, resource_policy_arn",
  "core.iam_actions.identity_denial_message": "action, principal_arn, resource, explicit_deny",
  "core.iam_actions.request_tag_context": "service, iam_action, body, params",
  "core.iam_actions.s3_service_context": "iam_action, query_params, path, headers",
  "core.iam_evaluator._action_matches": "request_action, actions, not_actions",
  "core.iam_evaluator._resolve_condition_key": "key, ctx",
  "core.iam_evaluator._resolve_managed_policy_document": "policy_arn, account_id",
  "core.iam_evaluator._resource_policy": "service, resource_arn",
  "core.iam_evaluator.combine_resource_policy": "identity, ctx, policy, owner_account, required, limits",
  "core.iam_evaluator.enforce": "access_key_id, iam_action, service, region, resource_arn, service_context",
  "core.iam_evaluator.evaluate": "ctx, policies, limits",
  "core.iam_evaluator.evaluate_resource_policy": "doc, ctx, service, named_only, direct_only",
  "core.iam_evaluator.evaluate_trust_policy": "trust_doc, caller_arn, ctx",
  "core.iam_evaluator.is_root_access_key": "access_key_id",
  "core.iam_evaluator.parse_policy_document": "doc",
  "core.iam_evaluator.resolve_credential": "access_key_id, account_id, session_token",
  "core.iam_evaluator.resolve_principal": "access_key_id, account_id, credential",
  "core.responses.error_response_json": "code, message, status, extra, message_key, content_type",
  "core.responses.set_request_account_id": "access_key_id",
  "core.responses.set_request_region": "region",
  "services.cloudwatch_logs.resolve_tag_resource": "arn, account_id, region",
  "services.iam._error": "status, code, message, ns",
  "services.iam._gen_secret": "",
  "services.iam._gen_session_access_key": "",
  "services.iam._gen_session_token": "",
  "services.iam._p": "params, key, default",
  "services.kms._alias_arn": "alias_name",
  "services.kms._create_alias": "data",
  "services.kms._create_key": "data",
  "services.kms._key_metadata": "rec",
  "services.kms._resolve_key": "key_id_or_arn",
  "services.s3._complete_multipart_upload": "bucket_name, key, body, query_params, headers",
  "services.s3._create_multipart_upload": "bucket_name, key, headers",
  "services.s3._error": "code, message, status, resource, extra, headers",
  "services.s3._policy_is_public": "policy_text",
  "services.s3._public_access_blocked": "owner_account, bucket_name, setting",
  "services.s3._qp": "params, key, default",
  "services.s3._resolve_sse_write_headers": "headers, bucket_name",
  "services.s3.bucket_policy_for_arn": "resource_arn",
  "services.sns._error": "code, message, status",
  "services.sns._topic_by_arn_any_scope": "topic_arn",
  "services.sns.topic_policy_allows": "topic_arn, service, source_arn, source_account",
  "services.sqs._json_err_resp": "code, msg, status",
  "services.sqs._queue_by_arn": "arn",
  "services.sqs._xml_err_resp": "code, msg, status",
  "services.sqs.queue_policy_allows": "queue_arn, service, source_arn, source_account",
  "services.sts._evict_expired_sessions": "",
  "services.sts._session_policies": "params, account_id, check",
  "services.sts._web_identity_trust_denied": "role_arn, params, use_json",
  "services.sts.register_session": "access_key, session",
  "services.tagging.resource_tags": "arn",
};

/** Data and context variables that the launcher reads. */
const data = [
  "core.iam_evaluator._anonymous",
  "core.iam_evaluator._request_origin",
  "core.iam_evaluator._signed_request",
  "services.iam._group_inline_policies",
  "services.iam._groups",
  "services.iam._oidc_providers",
  "services.iam._policies",
  "services.iam._roles",
  "services.iam._user_inline_policies",
  "services.iam._users",
  "services.kms._aliases",
  "services.kms._grants",
  "services.kms._keys",
  "services.s3._SSE_STORED_HEADERS",
  "services.s3._bucket_encryption",
  "services.s3._bucket_policies",
  "services.s3._buckets",
  "services.s3._multipart_uploads",
  "services.s3._object_tags",
  "services.s3._object_versions",
  "services.sts._sessions",
];

const script = `
import importlib, inspect, json, sys
functions, data = json.loads(sys.argv[1])
def find(name):
    module, attribute = ("ministack." + name).rsplit(".", 1)
    return getattr(importlib.import_module(module), attribute, None)
signature = lambda found: ", ".join(inspect.signature(found).parameters) if callable(found) else None
print(json.dumps([{name: signature(find(name)) for name in functions}, [name for name in data if find(name) is None]]))
`;

describe("MiniStack", () => {
  it("has the private functions and the data that the launcher uses", async function () {
    this.timeout(60_000);
    const given = JSON.stringify([Object.keys(functions), data]);
    const { stdout } = await promisify(execFile)(ministackPython, ["-c", script, given]);
    assert.deepEqual(JSON.parse(stdout), [functions, []]);
  });
});
