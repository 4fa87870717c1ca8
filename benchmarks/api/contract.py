"""`python -m benchmarks schemathesis`: generated requests against what the description promises.

Every operation is called in process with `--examples` requests, by somebody signed in who may
everything, valid by the description and not; half of the places for an id hold one that exists.
An answer fails that is a fault of the server (5xx), has a status or content type the operation
does not list, or a body its schema does not allow.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from api.app import create_app
from detector.settings import RateLimits
from detector.system import System
from tests.api.conftest import KNOWN, make_system
from tests.api.market import signals
from tests.signed import enroll

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip
OFF = RateLimits(read_per_minute=0, change_per_minute=0, sign_in_per_minute=0)


@dataclass
class Found:
    """What calling one operation gave."""

    operation: str
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


@contextmanager
def installation() -> Iterator[System]:
    """A home with forty alerts, nobody limited."""
    with TemporaryDirectory() as scratch:
        made = make_system(Path(scratch) / "home", signals())
        unlimited = made.settings.model_copy(update={"rates": OFF})
        yield System(unlimited, made.home, made.engine, _lake(made), made.clock)
        made.engine.dispose()


def _lake(system: System) -> Any:
    from detector.lake import Lake

    return Lake(system.home, system.engine)


def real_ids(door: TestClient) -> dict[str, list[str]]:
    """Ids that exist, by the name of the place in a path."""
    alerts = [a["id"] for a in door.get("/api/v1/alerts").json()["items"]]
    rules = [r["id"] for r in door.get("/api/v1/rules").json()["items"]]
    return {"alert_id": alerts[:10], "rule_id": rules[:10], "name": ["Prober"], "version": ["1"],
            "number": ["1", "2"]}  # fmt: skip


def probe(
    app: FastAPI, headers: Mapping[str, str], examples: int, named: str = ""
) -> Iterator[Found]:
    """Calls the operations whose label contains `named`, one after the other."""
    ids = real_ids(TestClient(app, "http://127.0.0.1:8000", headers=headers))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    with asgi.get_client(app) as client:
        for result in schema.get_all_operations():
            operation = result.ok()
            if named in operation.label:
                yield _probed(operation, Caller(client, headers), ids, examples)


@dataclass(frozen=True)
class Caller:
    """Sends a case in process, signed in."""

    client: Any
    headers: Mapping[str, str]

    def __call__(self, case: Any) -> Any:
        """The answer."""
        return case.call(session=self.client, headers=dict(self.headers))


def _probed(operation: Any, door: Caller, ids: dict[str, list[str]], examples: int) -> Found:
    found = Found(operation.label)
    modes = st.sampled_from([GenerationMode.POSITIVE] * 3 + [GenerationMode.NEGATIVE])

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def run(data: st.DataObject) -> None:
        mode = data.draw(modes)
        case = data.draw(operation.as_strategy(generation_mode=mode))
        for name in set(case.path_parameters or {}) & set(ids):
            if ids[name] and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(ids[name]))
        if "If-Match" in (case.headers or {}) and data.draw(st.booleans()):
            case.headers["If-Match"] = data.draw(st.sampled_from(['"1"', '"2"']))
        _call(case, door, found)

    try:
        run()
    except Exception as error:  # noqa: BLE001  what cannot be generated is told with the rest
        found.failures.setdefault(f"not generated: {type(error).__name__}", str(error)[:300])
    return found


def _call(case: Any, door: Caller, found: Found) -> None:
    try:
        answer = door(case)
    except (ValueError, UnicodeError):
        # no client can send it
        found.statuses[0] += 1
        return
    found.statuses[answer.status_code] += 1
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as group:
        for failure in group.exceptions:
            _note(found, case, answer, failure)
    except Failure as failure:
        _note(found, case, answer, failure)


def _note(found: Found, case: Any, answer: Any, failure: BaseException) -> None:
    title = f"{type(failure).__name__} {answer.status_code}"
    told = f"{case.as_curl_command()}\n{answer.text[:300]}\n{str(failure)[:600]}"
    found.failures.setdefault(title, told)


def main(words: Sequence[str] | None = None) -> None:
    """Prints one JSON object an operation; ends with 1 where any answer failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks schemathesis")
    parser.add_argument("--examples", type=int, default=200, help="requests an operation")
    parser.add_argument("--only", default="", help="part of `METHOD /path`")
    asked = parser.parse_args(words)
    failed = 0
    with installation() as system:
        headers = enroll(system, "Prober")
        app = create_app(system, known=lambda: KNOWN, hosts=None)
        began = time.perf_counter()
        for found in probe(app, headers, asked.examples, asked.only):
            failed += bool(found.failures)
            seconds, began = time.perf_counter() - began, time.perf_counter()
            told = {
                "operation": found.operation, "requests": found.statuses.total(),
                "seconds": round(seconds, 1), "statuses": dict(sorted(found.statuses.items())),
                "failures": found.failures,
            }  # fmt: skip
            print(json.dumps(told), flush=True)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
