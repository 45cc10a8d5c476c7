"""SHA-256 by Python's own code.

Not hashlib's: that is OpenSSL's, which Kamailio's tls module has allocate in shared memory, under a lock, for
each hash (see `sipedge.inherited`).
"""

from __future__ import annotations

from typing import Any

try:
    from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]
except ImportError:  # its name since Python 3.12
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found]


def sha256_hex(text: str) -> str:
    """64 hex digits: the hash of the text's UTF-8, a lone surrogate as its three bytes."""
    made: Any = _sha256(text.encode("utf-8", "surrogatepass"))
    digits: str = made.hexdigest()
    return digits
