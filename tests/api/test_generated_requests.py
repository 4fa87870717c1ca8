"""Generated requests, valid and not: no fault of the server, nothing the description leaves out."""

from __future__ import annotations

import pytest

from api.app import create_app
from api.description import operations
from benchmarks.api.contract import installation, probe
from tests.api.conftest import KNOWN
from tests.signed import enroll


@pytest.mark.slow
def test_every_operation_answers_as_it_is_described() -> None:
    """Few requests each; `python -m benchmarks schemathesis` sends two hundred."""
    with installation() as system:
        headers = enroll(system, "Prober")
        app = create_app(system, known=lambda: KNOWN, hosts=None)
        found = list(probe(app, headers, examples=3))
        assert not {one.operation: one.failures for one in found if one.failures}
        assert len(found) == len(list(operations(app.openapi())))
        # somebody was let in, and something was changed
        statuses = {status for one in found for status in one.statuses}
        assert {200, 201, 404, 422} <= statuses
        assert 401 not in statuses
