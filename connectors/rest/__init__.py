"""Simple systems without Python: a manifest says how a REST interface is spoken to."""
