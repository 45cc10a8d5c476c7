"""DNS records written by signed updates to the primary server of their zone."""
