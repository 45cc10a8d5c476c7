"""The edge as a client of carriers' registrars (RFC 3261 section 10): what is sent when, and what answers
mean. Pure.

`machine` decides, `messages` writes and reads, `errand` tells Kamailio where a REGISTER of the agent's goes.
The agent carries it out (`sipedge.agent.registrations`).
"""
