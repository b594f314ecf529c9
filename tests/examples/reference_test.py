#!/usr/bin/env python3
"""reference_test.py CRAWL: the demonstration itself. Every page that links reach, and nothing missing."""
import pathlib
import subprocess
import sys

from sites import crawl

SKIPPED = 77
PACKAGE = "cppreference-doc-en-html"
PAGES = 4389  # of version 20170409-2: what <a href> reaches from en/index.html


def bring_into_memory(names):
    """Helper threads open what has to come from the disk, and one thread is expected here."""
    for name in names:
        path = pathlib.Path(name)
        if path.is_file():
            path.read_bytes()


if __name__ == "__main__":
    listing = subprocess.run(["dpkg-query", "-L", PACKAGE], capture_output=True, text=True)
    if listing.returncode != 0:
        print(f"{PACKAGE} is not installed")
        sys.exit(SKIPPED)
    bring_into_memory(listing.stdout.splitlines())
    report = crawl(sys.argv[1])
    print(report)
    report.expect(status=0, pages=PAGES, most_in_flight=256)
