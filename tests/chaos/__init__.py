"""Chaos: people do business while real processes are killed, frozen and cut off; then both systems are compared.

`python -m tests.chaos --help` says how to run it, docs/benchmarks/chaos.md what came of it.
"""
