"""What a recorded call leaves for the recorder: whose the packets are, and what becomes of them. Pure."""
