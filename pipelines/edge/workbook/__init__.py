"""Workbooks: a file that may hold anything, to sheets of text, to rows of records; what is summed is compared with them."""
