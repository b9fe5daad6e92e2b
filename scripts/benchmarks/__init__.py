"""Benchmarks. Most compare the service with peers, in one run on one machine."""
