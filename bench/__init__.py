"""Benchmarks: `connector bench NAME`. Each prints a table; --json for comparison."""
