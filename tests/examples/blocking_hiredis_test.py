#!/usr/bin/env python3
"""blocking_hiredis_test.py PROGRAM: many tasks talk to a Redis server at once; nothing holds the thread up."""
import sys

import servers
import ticks

if __name__ == "__main__":
    with servers.redis() as port:
        ticks.run(sys.argv[1], port)
