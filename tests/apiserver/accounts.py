"""Processes that have the rights of one service account, and no other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import yaml

from cluster.apiserver import ApiServer

ROOT: Final = Path(__file__).resolve().parents[2]
SYSTEM: Final = "trunkline-system"
"""The namespace of the operator's accounts."""


def environment_of(server: ApiServer, account: str, folder: Path) -> dict[str, str]:
    """The environment of a process of `account` in the operator's namespace; files go to `folder`."""
    token = server.kubectl("create", "token", account, "-n", SYSTEM).strip()
    settings = yaml.safe_load(server.kubeconfig.read_text(encoding="utf-8"))
    for user in settings["users"]:
        user["user"] = {"token": token}
    kubeconfig = folder / f"kubeconfig-{account}"
    kubeconfig.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return {
        **os.environ,
        "KUBECONFIG": str(kubeconfig),
        "POD_NAMESPACE": SYSTEM,
        "POD_NAME": account,
        "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in ("operator", "edge")),
    }
