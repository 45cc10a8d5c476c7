"""What a platform asks for its edge pods' containers, as it is written in one text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from trunkline.plan.workload_settings import DEFAULT_RESOURCES, Resources


def container_resources(text: str) -> Mapping[str, Resources]:
    """Container to its `requests` and `limits`, from JSON. Raises ValueError: what is wrong, and the mend."""
    # Help is made beside this module, and must not wait for this library.
    from pydantic import TypeAdapter, ValidationError

    shape = TypeAdapter(dict[str, dict[Literal["requests", "limits"], dict[str, str | int | float]]])
    try:
        found = shape.validate_json(text or "{}")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(each) for each in first["loc"] if each != "[key]")
        raise ValueError(
            f"{place + ': ' if place else ''}{first['msg']}: write as "
            '{"kamailio": {"requests": {"cpu": "250m"}}, "agent": {"limits": {"memory": "64Mi"}}}'
        ) from None
    for container in found:
        if container not in DEFAULT_RESOURCES:
            raise ValueError(
                f"{container!r} is not a container of an edge pod: write {', '.join(DEFAULT_RESOURCES)}"
            )
    return {
        container: {
            kind: {name: str(quantity) for name, quantity in quantities.items()}
            for kind, quantities in resources.items()
        }
        for container, resources in found.items()
    }
