"""What happens to calls, as values and as text: the events of which call records are made. Pure."""
