"""``python -m lutetia``."""

from lutetia.cli import main

main()
