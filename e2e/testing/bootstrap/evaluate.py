"""Evaluate policies with MiniStack's IAM evaluator: one JSON document in, one out.

The evaluator ignores unknown elements of a statement, operators, condition keys and policy variables. This
program reports an error for each statement that the evaluator would not evaluate as AWS does.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any, TypedDict, cast

from ministack.core import iam_evaluator as iam

VERSION = "2012-10-17"
# Operators whose evaluation was compared with AWS's description (IAM user guide, "Condition operators").
OPERATORS = {"ArnLike", "Bool", "Null", "StringEquals", "StringLike", "StringNotLike"}
# The evaluator takes these condition keys from the principal; a question has the values of all others.
CALLER_KEYS = {"aws:principalarn"}

Document = dict[str, Any]
Statements = list[iam.ParsedStatement]


class Resource(TypedDict):
    """A resource in a question."""

    arn: str
    # Values of the condition keys that depend on the resource; None for a key that the request lacks.
    context: dict[str, str | None]
    # Name of the policy of a KMS key, which must also allow a call; None for other resources.
    keyPolicy: str | None


class Question(TypedDict):
    """A question: which of the actions may a role take on which of the resources?"""

    principal: str
    policies: list[str]
    # Name of the permissions boundary's document; None without a boundary.
    boundary: str | None
    actions: list[str]
    resources: list[Resource]
    context: dict[str, str | None]
    # Condition keys whose values the caller chooses: an Allow applies for some value, a Deny can be avoided.
    free: list[str]


class Batch(TypedDict):
    """Documents by name, and questions about them."""

    policies: dict[str, Document]
    keyPolicies: dict[str, Document]
    questions: list[Question]


class Unsupported(Exception):
    """A policy or a question that this program cannot evaluate as AWS would."""


def parse(name: str, document: Document, elements: set[str]) -> Statements:
    """Parse a document whose statements have exactly these elements, and optionally conditions.

    Raises
    ------
    Unsupported
        If the document has anything that the evaluator ignores or does not evaluate as AWS does.
    """
    if set(document) != {"Version", "Statement"} or document["Version"] != VERSION:
        raise Unsupported(f"{name}: not a document of version {VERSION} with statements only")
    statements = document["Statement"]
    if not isinstance(statements, list) or not statements:
        raise Unsupported(f"{name}: no list of statements")
    for statement in statements:
        check_statement(f"{name}, {statement.get('Sid', 'a statement')}", statement, elements)
    parsed: Statements = iam.parse_policy_document(document)
    if len(parsed) != len(statements):
        raise Unsupported(f"{name}: the evaluator skips a statement")
    return parsed


def check_statement(where: str, statement: Document, elements: set[str]) -> None:
    """Raise Unsupported for a statement with other elements, or with values that the evaluator ignores."""
    different = (set(statement) - {"Sid", "Condition"}) ^ elements
    if different:
        raise Unsupported(f"{where}: not supported with, or without, {', '.join(sorted(different))}")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise Unsupported(f"{where}: Effect is neither Allow nor Deny")
    for element in ("Action", "Resource"):
        values = as_list(statement.get(element))
        if not values or not all(isinstance(value, str) and value and "${" not in value for value in values):
            raise Unsupported(f"{where}: {element} is not a list of strings without policy variables")
    principal = statement.get("Principal", "*")
    if principal != "*" and (not isinstance(principal, dict) or set(principal) not in ({"AWS"}, {"Service"})):
        raise Unsupported(f"{where}: Principal is neither *, nor an AWS principal, nor a service")
    for operator, keys in statement.get("Condition", {}).items():
        check_condition(where, operator, keys)


def check_condition(where: str, operator: str, keys: Any) -> None:
    """Raise Unsupported for an operator or a value whose evaluation was not compared with AWS's description."""
    if operator not in OPERATORS or (operator != "Null" and operator.lower() not in iam._CONDITION_OPS):
        raise Unsupported(f"{where}: the operator {operator} is not supported")
    if not isinstance(keys, dict) or not keys:
        raise Unsupported(f"{where}: {operator} has no condition keys")
    for key, expected in keys.items():
        values = as_list(expected)
        if not values or not all(isinstance(value, str) and "${" not in value for value in values):
            raise Unsupported(f"{where}: {key} is not compared with strings without policy variables")
        if operator == "Null" and (len(values) != 1 or values[0] not in ("true", "false")):
            raise Unsupported(f"{where}: Null compares {key} with neither true nor false")
        # AWS compares each part of an ARN, the evaluator the whole string: they agree if only the last part has a wildcard.
        if operator == "ArnLike" and any("*" in part for value in values for part in value.split(":", 5)[:-1]):
            raise Unsupported(f"{where}: {key} has a wildcard before the last part of an ARN")


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, None as an empty list, and any other value as a list of one item."""
    if value is None:
        return []
    items: list[Any] = value if isinstance(value, list) else [value]
    return items


def for_chosen(statements: Statements, free: frozenset[str]) -> Statements:
    """Return the statements that apply to a caller who chooses the values of these condition keys."""
    chosen = []
    for statement in statements:
        conditions = {
            operator: {key: value for key, value in keys.items() if key.lower() not in free}
            for operator, keys in statement.conditions.items()
        }
        if conditions == statement.conditions:
            chosen.append(statement)
        elif statement.effect == "Allow":
            chosen.append(replace(statement, conditions=conditions))
    return chosen


def check_context(statements: Statements, context: iam.EvalContext) -> None:
    """Raise Unsupported for a question without a value for a condition key.

    The evaluator treats an unknown key as absent.
    """
    known = CALLER_KEYS | context.service_context.keys()
    for statement in statements:
        if not iam._action_matches(context.action, statement.actions, statement.not_actions):
            continue
        if not iam._resource_matches(context.resource_arn, statement.resources, statement.not_resources):
            continue
        for key in (key for keys in statement.conditions.values() for key in keys):
            if key.lower() not in known:
                raise Unsupported(f"{statement.sid}: the question about {context.action} has no value for {key}")


class Evaluator:
    """Parsed documents, for many questions."""

    def __init__(self, batch: Batch) -> None:
        elements = {"Effect", "Action", "Resource"}
        self.policies = {name: parse(name, document, elements) for name, document in batch["policies"].items()}
        self.key_policies = {}
        for name, document in batch["keyPolicies"].items():
            parse(name, document, {*elements, "Principal"})
            # A statement for a service does not apply to a role.
            roles = [each for each in document["Statement"] if each["Principal"] == "*" or "AWS" in each["Principal"]]
            self.key_policies[name] = {**document, "Statement": roles}
        self.chosen: dict[tuple[str, frozenset[str]], Statements] = {}

    def statements(self, name: str, free: frozenset[str]) -> Statements:
        """Return a document's statements for a caller who chooses the values of these condition keys."""
        if (name, free) not in self.chosen:
            self.chosen[name, free] = for_chosen(self.policies[name], free)
        return self.chosen[name, free]

    def answer(self, question: Question) -> list[tuple[str, str]]:
        """Return the pairs of action and ARN that are allowed."""
        free = frozenset(key.lower() for key in question["free"])
        policies = [self.statements(name, free) for name in question["policies"]]
        boundary = question["boundary"]
        limits = [] if boundary is None else [[self.statements(boundary, free)]]
        return [
            (action, resource["arn"])
            for resource in question["resources"]
            for action in question["actions"]
            if self.allows(question, policies, limits, action, resource)
        ]

    def allows(
        self,
        question: Question,
        policies: list[Statements],
        limits: list[list[Statements]],
        action: str,
        resource: Resource,
    ) -> bool:
        """Return whether IAM and the resource's policy allow one call."""
        values = {**question["context"], **resource["context"]}
        context = iam.EvalContext(
            principal_arn=question["principal"],
            principal_type="AssumedRole",
            principal_account=question["principal"].split(":")[4],
            action=action,
            resource_arn=resource["arn"],
            region="",
            service_context={key.lower(): value for key, value in values.items()},
        )
        for layer in [policies, *limits]:
            for statements in layer:
                check_context(statements, context)
        result = iam.evaluate(context, policies, *limits)
        if resource["keyPolicy"] is not None:
            own = self.key_policies[resource["keyPolicy"]]
            check_context(iam.parse_policy_document(own), context)
            result = iam.combine_resource_policy(result, context, own, None, required=True, limits=tuple(limits))
        return bool(result.decision == "Allow")


def main() -> int:
    """Read a batch from standard input, and write a list of allowed pairs for each question."""
    batch = cast("Batch", json.load(sys.stdin))
    try:
        evaluator = Evaluator(batch)
        answers = [evaluator.answer(question) for question in batch["questions"]]
    except Unsupported as error:
        print(error, file=sys.stderr)
        return 2
    json.dump(answers, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
