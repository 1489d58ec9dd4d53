"""Queues before a pool: what arrives, what is served, who waits how long and what it costs.

`inputs` says what a simulation rests on, `load` spreads it over days, `theory` holds the closed
forms, `play` plays one replication with SimPy, `outcome` turns many into figures. All of it is a
function of its arguments, seed included. Nothing here runs inside a workflow.
"""
