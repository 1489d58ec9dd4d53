"""The door for people: the command line, and what stands behind each command."""
