"""A real test call: `sipp` is the user agent, this package writes its scenario and tells what it did."""
