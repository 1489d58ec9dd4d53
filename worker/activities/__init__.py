"""What workflows may ask of the outside, filled: judging, recording, reserving, telling."""
