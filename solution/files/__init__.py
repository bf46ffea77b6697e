"""Writes the files of a solution package, in the vocabulary of Microsoft's schema set 9.0.0.2090 alone."""
