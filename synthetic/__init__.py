"""Synthetic cohorts: population (facts over time), observe (missing, late, wrong), faults (with answer key), send.

Built from published aggregates only; no real person stands behind any row.
"""

VERSION = 1
