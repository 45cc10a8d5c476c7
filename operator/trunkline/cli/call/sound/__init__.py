"""Sound by RTP: a tone that is sent, and what tone it is that comes."""
