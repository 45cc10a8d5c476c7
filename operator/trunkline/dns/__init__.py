"""DNS records: whose they are, what has to change, what zones answer. Who writes them is in `providers`."""
