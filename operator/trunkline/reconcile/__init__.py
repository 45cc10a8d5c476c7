"""One loop over a place: what users wrote is compiled, and the place is made to serve it."""
