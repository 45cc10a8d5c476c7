"""What comes from a file, an object or the network reaches a terminal escaped, on its own line."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.api import ObjectRef
from trunkline.cli.compilation import run_compile
from trunkline.cli.finding import Finding
from trunkline.cli.options import ClusterOptions, ValidateOutput
from trunkline.cli.validate import run_validate
from trunkline.standalone.up import Speaker

EVIL = st.text(
    st.sampled_from("a:\n\r\t\x1b\x07\x85\x9b\u2028\u202e\u200b[31m ") | st.characters(codec="utf-8"),
    max_size=30,
)


@st.composite
def manifests(draw: st.DrawFn) -> str:
    def evil(good: str) -> str:
        return draw(EVIL | st.just(good))

    return yaml.safe_dump_all(
        {
            evil("apiVersion"): evil("trunkline.dev/v1alpha1"),
            "kind": evil(draw(st.sampled_from(("Trunk", "Number", "Edge", "ConfigMap")))),
            "metadata": {"name": evil("hq"), "namespace": evil("acme"), "labels": {evil("a"): evil("b")}},
            "spec": {evil("number"): evil("+14155550100"), "trunkRef": {"name": evil("hq")}},
        }
        for _ in range(draw(st.integers(1, 3)))
    )


def harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@settings(max_examples=60)
@given(manifests())
def test_validate_and_compile_print_nothing_that_a_terminal_obeys(text: str) -> None:
    with TemporaryDirectory() as directory:
        file = Path(directory, "a.yaml")
        file.write_text(text, encoding="utf-8")
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run_validate([directory], ClusterOptions(None, None, None), None, ValidateOutput.TEXT)
            findings = out.getvalue()
            run_compile([directory], "trunkline.test", False)
    assert harmless(out.getvalue())
    assert harmless(err.getvalue())
    # Each finding is one line that begins with its place: none is of an object's making.
    assert all(line.startswith((f"{file}:", "-:")) for line in findings.splitlines())


@given(EVIL, EVIL, EVIL, EVIL)
def test_a_finding_is_one_line(name: str, field: str, reason: str, message: str) -> None:
    finding = Finding("a.yaml", 1, field, reason, message, "error", ObjectRef("Trunk", "acme", name))
    assert finding.text().isprintable()


@given(EVIL)
def test_up_says_one_line_at_a_time(text: str) -> None:
    stream = io.StringIO()
    Speaker(stream)(f"acme: {text}")
    assert stream.getvalue()[:-1].isprintable()
