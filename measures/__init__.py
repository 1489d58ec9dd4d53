"""The vocabulary of Sluicegate: what a measure is, what can happen to it, what a gate answers.

Frozen models and pure functions only. Nothing here reads a clock, a file or a network, so
workflows, rules, ledger and console can all speak it.
"""
