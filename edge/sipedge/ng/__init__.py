"""How rtpengine, the media relay beside each Kamailio, is told what to do: its control protocol, ng."""
