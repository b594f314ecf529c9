#!/usr/bin/env python3
"""blocking_libcurl_nginx_test.py PROGRAM: fetches slow pages from nginx, all at once; nothing holds the thread up."""
import sys
import time

import servers
import ticks

if __name__ == "__main__":
    pages = {f"/{n}.txt": f"page {n}\n" * 300 for n in range(100)}
    with servers.nginx(pages, bytes_per_second=2000) as port:
        began = time.monotonic()
        printed, _ = ticks.run(sys.argv[1], *(f"http://localhost:{port}{path}" for path in pages))
        took = time.monotonic() - began
    assert printed == "".join(pages.values()).splitlines(), printed
    assert took < len(pages) / 2, took  # each page takes a second or two
