#!/usr/bin/env python3
"""blocking_libpq_test.py PROGRAM: a hundred connections sleep in PostgreSQL at once; nothing holds the thread up."""
import sys

import servers
import ticks

if __name__ == "__main__":
    with servers.postgresql() as (port, directory):
        for host in ("localhost", directory):
            _, (queries, each, took, _) = ticks.run(sys.argv[1], f"host={host} port={port} user=brio dbname=postgres")
            assert took < queries * each / 10, took  # one after the other: 100 s, at once: 1 s
