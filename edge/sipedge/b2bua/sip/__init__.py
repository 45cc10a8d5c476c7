"""SIP as far as a user agent needs it that speaks with its own Kamailio over UDP, and with nobody else."""
