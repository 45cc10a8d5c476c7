"""Certificates that sign themselves, by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_pair(directory: Path, name: str, *options: str) -> tuple[bytes, bytes]:
    """Certificate and key in PEM, for this common name; `options` as of `openssl req`."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={name}", *options]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate.read_bytes(), key.read_bytes()
