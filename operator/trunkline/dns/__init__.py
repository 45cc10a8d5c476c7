"""DNS providers. In standalone mode the records are served by Knot DNS, an authoritative server."""
