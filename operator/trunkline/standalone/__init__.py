"""Standalone mode: the same resources, compiler and edges, from a directory of YAML and on this machine.

`load` reads the files, `up` runs the edges; the rest are parts of these two.
"""
