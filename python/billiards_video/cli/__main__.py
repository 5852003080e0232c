"""`python -m billiards_video.cli`: the command, where it is not on the PATH."""

import sys

from billiards_video.cli import main

if __name__ == "__main__":
    sys.exit(main())
