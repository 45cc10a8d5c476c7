"""`trunkline explain`: what an edge would do with one message, told before it does it.

`message` is the message, from options or from a capture; `passage` and `later` ask the edge's own decision
and follow the message through every change; `document` and `text` show what came of it. Only `command` reads
and prints.
"""
