"""Benchmarks: ratios within one run on one machine. README.md says how each of them measures."""
