"""The same job for other rule engines, each written the way its users write rules.

The job is in `bench.peers.job`; each other module does it with one engine and offers
``prepare() -> Answer``. They run in an environment of their own, see `bench.side_by_side`.
"""
