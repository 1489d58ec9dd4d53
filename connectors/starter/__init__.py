"""What `sluice connectors new` writes: a connector that reads, its test, and its package."""
