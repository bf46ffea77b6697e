"""The command line: `connector …`."""
