"""A run over every operation of the document, as one person."""

from __future__ import annotations

from collections import Counter
from typing import Any

import schemathesis
from attrs import define, field
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from campuscore.adapters.http.app import create_app

from .aiming import aimed_at
from .checks import KEPT
from .drawing import requests_to
from .stage import PEOPLE, Stage
from .values import Values, values_of

__all__ = ["Run"]

_CONFORMING = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
_SHARES = ((schemathesis.GenerationMode.POSITIVE, 20), (schemathesis.GenerationMode.NEGATIVE, 33))
"""How many times fewer requests of each kind than the profile's examples go to an operation."""


@define
class Run:
    """What was asked and answered, and what was wrong with it."""

    stage: Stage
    problems: list[str] = field(factory=list, init=False)
    answers: dict[str, Counter[int]] = field(factory=dict, init=False)
    entered: set[str] = field(factory=set, init=False)
    """The operations that did something with an object of the far side."""
    _checks: list[Any] = field(init=False)
    _changed: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        """Choose the checks that hold for the person."""
        self._checks = [*_CONFORMING, *(KEPT[kind] for kind in PEOPLE[self.stage.person])]

    def of_everything(self) -> None:
        """Ask every operation of the document that the app serves."""
        schema = schemathesis.openapi.from_wsgi("/openapi.json", create_app(self.stage.campus))
        for found in schema.get_all_operations():
            self._of_one(found.ok())

    @property
    def reached(self) -> set[str]:
        """The operations that did what they are for; a redirection may be that too."""
        return {label for label, seen in self.answers.items() if any(map(_is_good, seen))}

    @property
    def count(self) -> int:
        """How many requests were answered."""
        return sum(seen.total() for seen in self.answers.values())

    def _of_one(self, operation: Any) -> None:
        self.answers[operation.label] = Counter()
        if self._changed:
            self.stage.renew()
            self._changed = False
        before = self.stage.far.fingerprint()
        near, far = (values_of(self.stage, side) for side in (self.stage.near, self.stage.far))
        for case in aimed_at(operation, near):
            self._judge(case)
        done = [self._judge(case) for case in aimed_at(operation, far)]
        if operation.path_parameters and any(map(_is_good, done)):
            self.entered.add(operation.label)
        values = near.joined(far)
        for mode, share in _SHARES:
            if mode.is_positive or _can_be_wrong(operation):
                self._ask(operation, mode, values, max(1, settings().max_examples // share))
        if self.stage.person != "administrator":
            self._compare(operation, before)

    def _ask(
        self, operation: Any, mode: schemathesis.GenerationMode, values: Values, examples: int
    ) -> None:
        # Nothing is shrunk or tried again: what was asked before has changed the campus.
        @settings(
            max_examples=examples,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=requests_to(operation, mode, values))
        def ask(case: schemathesis.Case) -> None:
            self._judge(case)

        ask()

    def _judge(self, case: schemathesis.Case) -> int:
        """Send a request, check the answer, and return its status."""
        case.headers["Accept-Encoding"] = "identity"  # the transport unpacks nothing
        if self.stage.caller is not None:
            case.headers["Authorization"] = f"Bearer {self.stage.caller.token()}"
        answer = case.call()
        self.answers[case.operation.label][answer.status_code] += 1
        self._changed |= case.method != "GET" and answer.status_code < 300
        try:
            case.validate_response(answer, checks=self._checks)
        except FailureGroup as group:
            self.problems.append(str(group))
        return answer.status_code

    def _compare(self, operation: Any, before: dict[str, str]) -> None:
        after = self.stage.far.fingerprint()
        changed = sorted(name for name in before if before[name] != after[name])
        if changed:
            who = self.stage.person
            self.problems.append(f"{operation.label} by {who} changed of the far side: {changed}")


def _is_good(status: int) -> bool:
    return status // 100 == 2 or status == 302


def _can_be_wrong(operation: Any) -> bool:
    """Say whether a request to an operation can go against the document at all."""
    wrong = [p for p in operation.path_parameters if p.definition["schema"]["type"] != "string"]
    return bool(wrong or operation.query or operation.body)
