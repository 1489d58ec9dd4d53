"""How fast, how large and how steady the engine is: `python -m bench`, figures in RESULTS.md."""
