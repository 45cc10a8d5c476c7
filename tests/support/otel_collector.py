"""A real OpenTelemetry collector, built once of what tests/collector pins: it takes logs and prints them."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import go_tools
from support.patience import PATIENCE

MODULE = Path(__file__).resolve().parents[1] / "collector"
START_SECONDS = PATIENCE


@dataclass
class OtelCollector:
    """One that runs. `log` is what it prints of what it has taken."""

    port: int
    log: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def records(self) -> list[dict[str, str]]:
        """The attributes of each log that it has taken, values as it prints them."""
        found = []
        for part in re.split(r"^LogRecord #\d+$", self.log.read_text(), flags=re.MULTILINE)[1:]:
            attributes = part.partition("Attributes:")[2].partition("Trace ID:")[0]
            found.append(dict(re.findall(r"-> (\S+): \w+\((.*)\)", attributes)))
        return found

    def wait_for(self, count: int, seconds: float = PATIENCE) -> list[dict[str, str]]:
        deadline = time.monotonic() + seconds
        while len(records := self.records()) < count:
            assert time.monotonic() < deadline, self.log.read_text()[-4000:]
            time.sleep(0.1)
        return records


@contextmanager
def otel_collector(directory: Path, port: int) -> Iterator[OtelCollector]:
    """One at this port of 127.0.0.1, with OTLP over HTTP."""
    config, log = directory / "collector.yaml", directory / "collector.log"
    config.write_text(
        f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{debug: {{verbosity: detailed, use_internal_logger: false}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{logs: {{receivers: [otlp], exporters: [debug]}}}}
"""
    )
    with log.open("w") as output:
        command = [str(go_tools.built(MODULE)), f"--config=file:{config}"]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_SECONDS
        while "Everything is ready" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield OtelCollector(port, log)
    finally:
        process.terminate()
        process.wait(PATIENCE)
