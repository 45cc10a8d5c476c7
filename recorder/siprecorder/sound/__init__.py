"""From packets to sound: no file, no clock, no socket."""
