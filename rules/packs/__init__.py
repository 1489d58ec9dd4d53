"""The built-in packs, each a YAML file with its cases beside it."""
