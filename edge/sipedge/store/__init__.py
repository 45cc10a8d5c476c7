"""What an edge knows, on disk: LMDB with one writer (the agent) and many readers (Kamailio's workers).

There are two environments: `lmdb/` holds the published table, `learned/` what the agent found out by itself.
They are apart so that damage to one costs the other nothing, and that a learned fact never touches the
table's pages. Each has one named database per section, and `meta`. Readers see one whole revision per
transaction; a commit is seen by the next transaction of every process, with no reload.

`writer` has the agent's side, `reader` the workers', `environment` what both must agree upon.
"""

from sipedge.store.environment import (
    DATA_FILE,
    GENERATIONS,
    LEARNED,
    MAP_SIZE,
    MAX_KEY,
    META,
    PUBLISHED,
    Meta,
    fault_text,
    missing_bytes,
    read_meta,
)
from sipedge.store.reader import RECHECK_SECONDS, LmdbRows, ReadTransaction
from sipedge.store.writer import Change, LearnedStore, Store, Writer, Written

__all__ = [
    "DATA_FILE",
    "GENERATIONS",
    "LEARNED",
    "MAP_SIZE",
    "MAX_KEY",
    "META",
    "PUBLISHED",
    "RECHECK_SECONDS",
    "Change",
    "LearnedStore",
    "LmdbRows",
    "Meta",
    "ReadTransaction",
    "Store",
    "Writer",
    "Written",
    "fault_text",
    "missing_bytes",
    "read_meta",
]
