"""The process beside Kamailio: it alone writes the edge's table, and it says what the edge serves.

`source` finds whole revisions and `keeper` commits them to LMDB (`recovery` when the file is damaged).
`resolver` adds the addresses of names: `questions` asks DNS, `location` knows the order. `health` asks
Kamailio which revision it serves, `acknowledge` says so; `certificates` and `drain` speak to Kamailio
through `rpc`. `process` joins them.
"""
