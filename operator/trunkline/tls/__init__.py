"""Certificates of the edges: made by an own CA, or checked when they come from a Secret."""
