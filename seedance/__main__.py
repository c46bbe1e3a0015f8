"""`python -m seedance`."""

import sys

from seedance.cli import main

if __name__ == "__main__":  # render workers import this module under another name
    sys.exit(main())
