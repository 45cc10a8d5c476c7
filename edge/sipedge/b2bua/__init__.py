"""Takes a call over where a proxy cannot go on: on a REFER, and when every origination URI has failed."""
