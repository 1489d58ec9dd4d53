"""The outside: one module per system behind one contract."""
