"""The process beside Kamailio: it alone writes the edge's table, and it says what the edge serves.

`source` finds whole revisions and `keeper` commits them to LMDB (`recovery` when the file is damaged).
`resolver` adds the addresses of names: `questions` asks DNS, `location` knows the order. `health` asks
Kamailio which revision it serves; `certificates` and `drain` speak to Kamailio through `rpc`. `process` joins
them, and `surroundings` is what differs between the places where an agent runs.

Under a supervisor, `source` reads a directory and `acknowledge` writes a file. In a pod, `pod_agent` adds the
rest: `pod` (what the environment says), `kubernetes_source` and `pod_files` (what the API server has, by
`secret_watch` and `kube_api`), `lease` (the acknowledgement), `http_server` and `metrics`.
"""
