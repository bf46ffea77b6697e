"""`python -m cli` is `connector`."""

from cli.main import main

main()
