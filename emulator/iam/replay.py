"""Decides about recorded and made-up calls with the program's policies, and with a change of one: `npm run check:iam`.

Reads one JSON document from standard input, and writes one to standard output. No emulator runs.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from typing import Any, NotRequired, TypedDict

from decisions import (
    RESOURCE_BASED,
    TRUST,
    WEB_IDENTITY,
    Anonymous,
    Call,
    Caller,
    ResourcePolicy,
    Service,
    WebIdentity,
    decision_about,
    install,
)
from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import set_request_account_id, set_request_region
from principals import BOUNDARY, IDENTITY_BASED, Layer, Policy, Principal, parse

Document = dict[str, Any]


class Role(TypedDict):
    """A role: names of its policies' documents, and of its boundary's."""

    policies: list[str]
    boundary: NotRequired[str]


class NamedCall(TypedDict):
    """A call; its caller is a role, a service, the holder of a token, or anonymous."""

    caller: dict[str, str]
    action: str
    resource: str
    context: dict[str, Any]


class Mutant(TypedDict):
    """A change of the statement with this number (null removes it), or the removal of a role's boundary."""

    document: NotRequired[str]
    statement: NotRequired[int]
    replacement: NotRequired[Document | None]
    role: NotRequired[str]
    # True if the change takes permissions away.
    narrows: bool


class Batch(TypedDict):
    """All documents by name; names of resources' own policies by ARN, and of roles' trust policies."""

    account: str
    region: str
    documents: dict[str, Document]
    roles: dict[str, Role]
    attached: dict[str, str]
    trust: dict[str, str]
    calls: list[NamedCall]
    mutants: list[Mutant]


class Replay:
    """Documents and calls, for many decisions."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.parsed = {name: parse(document) for name, document in batch["documents"].items()}
        self.decisions = [self.decide(call, {}) for call in batch["calls"]]
        self.users: dict[str, list[int]] = defaultdict(list)
        for number, call in enumerate(batch["calls"]):
            for name in self.documents_of(call):
                self.users[name].append(number)

    def documents_of(self, call: NamedCall) -> set[str]:
        """Return the names of the documents that a decision about a call depends on."""
        role = self.batch["roles"].get(call["caller"].get("role", ""))
        names = {attached} if (attached := self.attached_to(call)) else set()
        if role is not None:
            names |= {*role["policies"], *([role["boundary"]] if "boundary" in role else [])}
        return names

    def attached_to(self, call: NamedCall) -> str | None:
        """Return the name of the resource's own policy, or of a role's trust policy if that decides."""
        resource = call["resource"]
        if call["action"] in {"sts:AssumeRole", "sts:TagSession", WEB_IDENTITY}:
            return self.batch["trust"].get(resource)
        owner = resource.partition("/")[0] if resource.startswith("arn:aws:s3:::") else resource
        return self.batch["attached"].get(owner)

    def decide(self, call: NamedCall, documents: dict[str, Document], without_boundary: bool = False) -> bool:
        """Decide about a call, with changed documents."""
        trusts = call["action"] in {"sts:AssumeRole", "sts:TagSession", WEB_IDENTITY}
        name = self.attached_to(call)
        document = None if name is None else documents.get(name, self.batch["documents"][name])
        account = self.batch["account"]
        # A missing role is denied like a role that does not trust the caller.
        policy = ResourcePolicy(document or ("{}" if trusts else None), account, TRUST if trusts else RESOURCE_BASED)
        keys = {key.lower(): value for key, value in call["context"].items()}
        caller = self.caller(call["caller"], documents, without_boundary)
        return decision_about(Call(caller, call["action"], call["resource"], keys, policy)).allowed

    def caller(self, named: dict[str, str], documents: dict[str, Document], without_boundary: bool) -> Caller:
        """Return the caller with its policies."""
        if "provider" in named:
            return WebIdentity(named["provider"], named["audience"], named["subject"])
        if "service" in named:
            return Service(named["service"], named.get("sourceArn"), named.get("sourceAccount"))
        if "user" in named:
            # A principal of another account, whose policies allow everything.
            everything = [Policy("all", parse({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}))]
            return Principal(named["user"], "User", named["user"].split(":")[4], [Layer(IDENTITY_BASED, everything)])
        if "role" not in named:
            return Anonymous()
        role = self.batch["roles"][named["role"]]

        def policies(names: list[str]) -> list[Policy]:
            changed = {name: parse(documents[name]) for name in names if name in documents}
            return [Policy(name, changed.get(name, self.parsed[name])) for name in names]

        layers = [Layer(IDENTITY_BASED, policies(role["policies"]))]
        if "boundary" in role and not without_boundary:
            layers.append(Layer(BOUNDARY, policies([role["boundary"]])))
        account = named["role"].split(":")[4]
        arn = f"arn:aws:sts::{account}:assumed-role/{named['role'].rpartition('/')[2]}/session"
        return Principal(arn, "AssumedRole", account, layers)

    def found_by(self, mutant: Mutant) -> int | None:
        """Return the number of a call whose decision the change reverses; None if there is none."""
        calls = self.batch["calls"]
        if "role" in mutant:
            return next(
                (
                    number
                    for number, call in enumerate(calls)
                    if call["caller"].get("role") == mutant["role"]
                    and not self.decisions[number]
                    and self.decide(call, {}, without_boundary=True)
                ),
                None,
            )
        name, index = mutant["document"], mutant["statement"]
        statements = list(self.batch["documents"][name]["Statement"])
        statement = statements[index]
        statements[index : index + 1] = [] if (changed := mutant["replacement"]) is None else [changed]
        documents = {name: {**self.batch["documents"][name], "Statement": statements}}
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        for number in self.users[name]:
            call = calls[number]
            if self.decisions[number] != mutant["narrows"]:
                continue
            if not evaluator._action_matches(call["action"], actions, []):
                continue
            if self.decide(call, documents) != self.decisions[number]:
                return number
        return None


def main() -> None:
    """Read a batch; write whether each call is allowed, and for each mutant the number of a call that shows it."""
    batch: Batch = json.load(sys.stdin)
    set_request_account_id(batch["account"])
    set_request_region(batch["region"])
    evaluator._request_origin.set(("127.0.0.1", True))
    install()
    replay = Replay(batch)
    found = [replay.found_by(mutant) for mutant in batch["mutants"]]
    json.dump({"allowed": replay.decisions, "found": found}, sys.stdout)


if __name__ == "__main__":
    main()
