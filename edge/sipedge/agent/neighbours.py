"""Who else serves, by the Leases of the edge namespace: which pods are alive, and what they count."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sipedge.agent.kube_api import ApiError, KubernetesApi
from sipedge.contract import EDGE_LABEL, TALLIES
from sipedge.tallies.book import Neighbour
from sipedge.tallies.records import neighbour_of

READING_SECONDS: Final = 10.0
"""As often as Leases are renewed."""
SILENT_READINGS: Final = 3
"""So many readings in a row that find a Lease not renewed: its pod is gone."""
_POD_NAME: Final = re.compile(r"edge-(.+)-(0|[1-9][0-9]{0,8})", re.ASCII)


class LeaseReader:
    """Reads all Leases again and again."""

    def __init__(self, api: KubernetesApi, namespace: str) -> None:
        self._api = api
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._renewed: Mapping[str, str] = {}
        self._unchanged: Mapping[str, int] = {}

    def read(self) -> tuple[Neighbour, ...] | None:
        """All pods that are alive; None if the API server does not say. Blocks."""
        try:
            # From its cache: the newest renewal does not matter, and many ask.
            items = self._api.list(self._path, labelSelector=EDGE_LABEL, resourceVersion="0").items
        except ApiError:
            return None  # who cannot be asked about is not judged
        return self._alive(items)

    def _alive(self, items: Sequence[Mapping[str, Any]]) -> tuple[Neighbour, ...]:
        # By change, not by the clock: whoever's is wrong is alive all the same.
        notes = {each["metadata"]["name"]: each["metadata"].get("annotations") or {} for each in items}
        renewed = {
            each["metadata"]["name"]: str((each.get("spec") or {}).get("renewTime") or "") for each in items
        }
        self._unchanged = {
            name: self._unchanged.get(name, 0) + 1 if self._renewed.get(name) == at else 0
            for name, at in renewed.items()
        }
        self._renewed = renewed
        found = []
        for name, at in renewed.items():
            # The name is the operator's, labels are an agent's word.
            edge = _POD_NAME.fullmatch(name)
            if edge is not None and at and self._unchanged[name] < SILENT_READINGS:
                found.append(neighbour_of(edge[1], name, str(notes[name].get(TALLIES, "")), at))
        return tuple(found)
