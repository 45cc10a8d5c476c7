"""`trunkline recordings`: what the recorder has stored."""
