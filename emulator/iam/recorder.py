"""Records decisions for `npm run iam:record`, one line of JSON for each call, policy and key; the same line only once.

Off unless LAUNCHER_RECORDING names the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ministack.services import kms
from principals import Principal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from decisions import Call, Decision
    from ministack.core.iam_evaluator import ParsedStatement

_path = os.environ.get("LAUNCHER_RECORDING")
_written: set[str] = set()


def is_on() -> bool:
    """Tell whether decisions are recorded."""
    return _path is not None


def record(call: Call, decision: Decision) -> None:
    """Record a decision.

    Exceptions: no policy of the program concerns the account's root user, and a call that a grant on a key allows
    shows nothing about policies.
    """
    if _path is None or call.granted or (isinstance(call.caller, Principal) and call.caller.type == "Root"):
        return
    lines = [json.dumps(line, sort_keys=True) for line in _lines(call, decision)]
    new = [line for line in dict.fromkeys(lines) if line not in _written]
    if not new:
        return
    _written.update(new)
    with Path(_path).open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in new))


def _lines(call: Call, decision: Decision) -> Iterator[dict[str, Any]]:
    caller = call.caller
    yield {
        "call": {
            "caller": _caller(call),
            "action": call.action,
            "resource": call.resource,
            "context": call.keys,
            "allowed": decision.allowed,
        }
    }
    if isinstance(caller, Principal):
        for policy in [policy for layer in caller.layers for policy in layer.policies]:
            # An inline policy's name is unique only in its role.
            name = policy.name if policy.name.startswith("arn:") else f"{caller.arn.split('/')[1]}/{policy.name}"
            yield {"policy": {"name": name, "statements": [_statement(one) for one in policy.statements]}}
    if call.attached.document is not None:
        yield {"attached": {"resource": call.resource, "kind": call.attached.kind, "document": call.attached.document}}
    for alias in list(kms._aliases):
        yield {"alias": alias, "key": kms._resolve_key(alias)["Arn"]}


def _caller(call: Call) -> dict[str, Any]:
    caller = call.caller
    if isinstance(caller, Principal):
        return {"principal": caller.arn}
    return {name: value for name, value in vars(caller).items() if value is not None}


def _statement(statement: ParsedStatement) -> dict[str, Any]:
    return {name: value for name, value in vars(statement).items() if value}
