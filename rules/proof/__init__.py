"""Proof: what packs, people and live measures can never do, shown with a counter-example."""
