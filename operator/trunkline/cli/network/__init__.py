"""`trunkline network`: what of the edges a firewall must let through."""
