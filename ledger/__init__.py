"""The record outside the workflow engine: append-only entries, hash-linked, and their projections.

`ledger.store.Ledger` is the way in, `ledger.writer.AsyncLedger` the same for asyncio workers.
"""
