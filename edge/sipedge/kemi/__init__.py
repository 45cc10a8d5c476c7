"""The SIP shell inside Kamailio: reads a request, asks `sipedge.routing`, carries the decision out.

The only importer of Kamailio's `KSR` module (through `ksr`), and it decides nothing itself. What a call must
remember travels in one AVP of its transaction (`record`), since any process may handle its next step.
"""
