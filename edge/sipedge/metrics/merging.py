"""One page for Prometheus of several: each sample gets labels that tell where it is from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from sipedge.metrics.catalogue import Metric

_COMMENT: Final = re.compile(r"# (?:HELP|TYPE) (\S+) ")
_SAMPLE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL: Final = re.compile(r'\b([a-zA-Z_][a-zA-Z0-9_]*+)="')


def merged(pages: Iterable[tuple[Mapping[str, str], str]]) -> str:
    """The samples of all pages, those of one metric together, each with the labels of its page.

    A label that a sample has already stays as it is. Lines that are no samples are left out.
    """
    comments: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for labels, page in pages:
        family = ""
        for line in page.splitlines():
            if (comment := _COMMENT.match(line)) is not None:
                family = comment[1]
                told = comments.setdefault(family, [])
                if line not in told and len(told) < 2:
                    told.append(line)
            elif (sample := _SAMPLE.fullmatch(line)) is not None and family:
                samples.setdefault(family, []).append(_labelled(sample, labels))
    lines = [line for family, told in comments.items() for line in (*told, *samples.get(family, ()))]
    return "".join(f"{line}\n" for line in lines)


def page_of(what: Metric, value: float) -> str:
    """A page with one sample of a metric without labels."""
    return f"# HELP {what.name} {what.meaning}\n# TYPE {what.name} {what.kind}\n{what.sample_name} {value}\n"


def _labelled(sample: re.Match[str], labels: Mapping[str, str]) -> str:
    name, own, value = sample[1], sample[2] or "", sample[3]
    has = set(_LABEL.findall(own))
    more = [f'{label}="{_escaped(text)}"' for label, text in labels.items() if label not in has]
    return f"{name}{{{','.join(filter(None, (own, *more)))}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
