"""`python -m archsmith`."""

from archsmith.cli import main

main()
