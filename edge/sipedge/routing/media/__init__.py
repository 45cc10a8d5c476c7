"""A call's media: its two sides, what of an SDP is taken, what the relay is told. Pure."""
