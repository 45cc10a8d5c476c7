"""Recordings: where those of an account are kept, and for how long."""

from __future__ import annotations

from typing import Annotated, ClassVar

from trunkline.api import patterns
from trunkline.api.fields import HttpUrl, Text, Whole
from trunkline.api.meta import SecretRef
from trunkline.api.model import Model
from trunkline.api.rule import Rule, cel_text

RecordingsUrl = Annotated[
    str,
    Text(
        "place for recordings",
        "write s3://bucket, s3://bucket/prefix or file:///path",
        1024,
        patterns.RECORDINGS_URL,
    ),
]
_OF_BUCKETS = "endpoint, region and credentialSecretRef are of buckets (remove them, or write url: s3://...)"


class Recordings(Model):
    """A bucket that speaks S3, or a directory of the recorders."""

    url: RecordingsUrl
    """`s3://bucket/prefix`, or `file:///path`: a directory that every recorder has at this path."""
    endpoint: HttpUrl | None = None
    """Where the bucket is, `https://host`. Absent: Amazon's, of that region."""
    region: Annotated[str, Text("region", "write it as us-east-1", 63, patterns.REGION_NAME)] | None = None
    """Region of the bucket. Absent: us-east-1."""
    credential_secret_ref: SecretRef | None = None
    """Secret in the system namespace with accessKeyId and secretAccessKey. Absent: what the recorder's
    surroundings grant it."""
    retention_days: Annotated[int, Whole(1, 36_500)] | None = None
    """Recordings are deleted so many days after their call. Absent: they stay."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            # A URL of neither kind has a fault of its own.
            f"!self.url.matches({cel_text(patterns.FILE_URL)}) || "
            "!(has(self.endpoint) || has(self.region) || has(self.credentialSecretRef))",
            _OF_BUCKETS,
            lambda said: (
                said.url.startswith("s3://")
                or not (said.endpoint or said.region or said.credential_secret_ref)
            ),
        ),
    )
