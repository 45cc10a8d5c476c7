"""A real Prometheus that scrapes a page, and what it answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.patience import PATIENCE
from support.watchers import watcher

START_SECONDS = PATIENCE


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    url: str

    def ask(self, path: str, **query: str) -> object:
        """`data` of an answer of its API."""
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}") as answer:
            return json.load(answer)["data"]

    def value(self, query: str) -> float | None:
        """The one value of a query; None if there is none."""
        found = self.ask("query", query=query)
        assert isinstance(found, dict)
        results = found["result"]
        assert len(results) <= 1, results
        return float(results[0]["value"][1]) if results else None

    def has(self, query: str) -> bool:
        """True if the query has an answer that is not empty. Raises HTTPError for one that is none."""
        found = self.ask("query", query=query)
        assert isinstance(found, dict)
        return bool(found["result"])

    def wait_for_some(self, query: str, what: str, seconds: float = 60.0) -> None:
        """Wait until the query has an answer: a rate needs two scrapes."""
        deadline = time.monotonic() + seconds
        while not self.has(query):
            assert time.monotonic() < deadline, f"{what}: {query} has no answer"
            time.sleep(0.5)

    def wait_for(self, query: str, wanted: float, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while (found := self.value(query)) != wanted:
            assert time.monotonic() < deadline, f"{query} is {found}; {self.ask('targets')}"
            time.sleep(0.2)


@contextmanager
def prometheus(directory: Path, port: int, *targets: str, rules: Path | None = None) -> Iterator[Prometheus]:
    """One that scrapes each target (`ADDR:PORT`) each second, and judges `rules` as often.

    Raises NoRootError where it cannot be had.
    """
    named = []
    if rules is not None:
        # It sees its own directory alone.
        named = [shutil.copy(rules, directory)]
    config = directory / "prometheus.yml"
    config.write_text(
        f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: {json.dumps([str(each) for each in named])}
scrape_configs: [{{job_name: trunkline, static_configs: [{{targets: {json.dumps(targets)}}}]}}]
"""
    )
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    log = directory / "prometheus.log"
    with log.open("w") as output:
        process = subprocess.Popen(watcher(command, directory), stdout=output, stderr=subprocess.STDOUT)
    found = Prometheus(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{found.url}/-/ready").close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()[-4000:]
                assert time.monotonic() < deadline, log.read_text()[-4000:]
                time.sleep(0.2)
        yield found
    finally:
        process.terminate()
        process.wait(PATIENCE)
