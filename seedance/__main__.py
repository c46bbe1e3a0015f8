"""`python -m seedance`."""

import sys

from seedance.cli import main

if __name__ == "__main__":
    sys.exit(main())
