#!/usr/bin/env python3
"""reference_test.py CRAWL: the demonstration itself. Every page that links reach, and nothing missing."""
import subprocess
import sys

from sites import crawl

SKIPPED = 77
PACKAGE = "cppreference-doc-en-html"
PAGES = 4389  # of version 20170409-2: what <a href> reaches from en/index.html

if __name__ == "__main__":
    if subprocess.run(["dpkg-query", "-W", PACKAGE], capture_output=True).returncode != 0:
        print(f"{PACKAGE} is not installed")
        sys.exit(SKIPPED)
    report = crawl(sys.argv[1])
    print(report)
    report.expect(status=0, pages=PAGES, most_in_flight=256)
