"""The way of the data: feeds -> edge -> warehouse -> indicators -> release.

Each folder is a place where something is allowed: feeds describe what arrives, the edge alone
sees a person, the warehouse holds pseudonyms, indicators say what is counted, and the release
is the only way out. `tests/promises/test_imports_follow_the_way.py` holds these borders.
"""
