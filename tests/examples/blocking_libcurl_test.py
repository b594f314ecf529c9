#!/usr/bin/env python3
"""blocking_libcurl_test.py PROGRAM: all fetches are under way at once, or none gets its answer."""
import sys
import threading

from sites import PATIENCE, serving, start

if __name__ == "__main__":
    many = 20
    all_asked = threading.Barrier(many)

    def answer_when_all_have_asked(handler):
        all_asked.wait(PATIENCE)
        handler.answer(handler.path + "\n")

    paths = [f"/{n}" for n in range(many)]
    with serving(dict.fromkeys(paths, answer_when_all_have_asked)) as site:
        child = start(sys.argv[1], *(site.origin + path for path in paths))
        printed, _ = child.communicate(timeout=2 * PATIENCE)
    assert child.returncode == 0, child.returncode
    assert printed.splitlines()[:-1] == paths, printed
