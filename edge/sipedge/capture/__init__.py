"""Copies of SIP messages for a collector: what may leave, in which packets, and of which call. Pure."""
