"""The running process: a Temporal worker, the local stack, settings, the composition root."""
