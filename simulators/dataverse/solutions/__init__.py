"""Solutions: what a package holds, whether it can be imported, what importing and removing it does."""
