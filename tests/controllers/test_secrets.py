"""The Secrets of a cluster: one that cannot be used costs only whoever names it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from prometheus_client import generate_latest

from sipedge.secret import Secret
from support.objects import make_trunk
from trunkline.api import InvalidObject, Platform, ValueFault
from trunkline.api.faults import internal_error
from trunkline.compiler.delta import InputChanges, Surroundings
from trunkline.compiler.running import RunningCompiler
from trunkline.controllers.internal_errors import report_internal_errors
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.secrets import secret_mirror


def secret(name: str, version: int = 1, **data: object) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "acme", "resourceVersion": str(version)}, "data": data}


def test_a_value_that_cannot_be_used_is_known_as_such_and_the_rest_is_there() -> None:
    """Base64 that an API server would have refused too: it may be another server than ours."""
    sink = secret_mirror(lambda: None)
    sink.replace(
        [
            secret("a", bad="//8=", good="Z29vZA==", odd="!", none=None),
            {"metadata": {"name": "nowhere", "resourceVersion": "1"}},
            {**secret("b"), "data": "text"},
            secret("c", good="Z29vZA=="),
        ]
    )
    assert sink.known == {
        ("acme", "a"): {
            "bad": ValueFault.NOT_UTF8,
            "good": Secret("good"),
            "odd": ValueFault.NOT_BASE64,
            "none": ValueFault.NOT_TEXT,
        },
        ("acme", "b"): {},
        ("acme", "c"): {"good": Secret("good")},
    }


def test_a_bad_value_that_changes_to_a_good_one_is_a_change() -> None:
    changes: list[bool] = []
    sink = secret_mirror(lambda: changes.append(True))
    sink.change(secret("a", p="//8="))
    sink.change(secret("a", version=2, p="//8="))
    sink.change(secret("a", version=3, p="Z29vZA=="))
    assert len(changes) == 2


def test_an_internal_error_is_logged_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """With the object and the place in the code, without the text of the exception; once only."""
    trunk, metrics = make_trunk(), Metrics()
    fault = InvalidObject(trunk.ref, 1, (internal_error(RuntimeError("Planted-Pass-2026x")),))
    compiler = RunningCompiler(Surroundings(Platform("trunkline.test")))
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            report_internal_errors(compiler.update(InputChanges({trunk.ref: fault})).faults, metrics)
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "Trunk acme/hq: Trunkline failed to judge this object (RuntimeError)"
    )
    assert "Planted" not in caplog.text
    assert b'trunkline_internal_errors_total{kind="Trunk"} 1.0' in generate_latest(metrics.registry)
