#!/usr/bin/env python3
"""blocking_httplib_test.py PROGRAM: server and clients share a thread; nothing holds it up."""
import sys

import ticks

if __name__ == "__main__":
    ticks.run(sys.argv[1])
