"""Facts over time: who bears children, where they live, what is done for them. No file format, no missing value.

A new record is one function that returns its events, and a line in `facts.py`.
"""
