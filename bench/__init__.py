"""Benchmarks: whole-process times and memory, and ratios within one run."""
