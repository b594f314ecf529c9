#!/usr/bin/env python3
"""interrupt_test.py CRAWL: Ctrl-C cancels the fetches, waits for them, and still prints what was done."""
import signal
import sys
import tempfile
import pathlib
import threading

from sites import PATIENCE, Report, page_of_links, serving, start

CRAWL = sys.argv[1]
INTERRUPTED = 130


def test_fetches_under_way_are_cancelled_and_the_table_is_printed():
    held = 100
    all_held = threading.Barrier(held + 1)

    def hold(handler):
        if handler.server.asked.count("/") == 1:
            return handler.answer("page")
        all_held.wait(PATIENCE)
        handler.server.closing.wait()

    pages = {f"/{n}": hold for n in range(held)}
    with serving({"/": page_of_links(*pages), **pages}) as site:
        child = start(CRAWL, site.origin)
        all_held.wait(PATIENCE)
        child.send_signal(signal.SIGINT)
        report = Report(child)
        report.expect(status=INTERRUPTED, pages=1, cancelled=held)
        assert "\nstopped early\n" in report.text, report


def test_also_while_pages_are_fetched_one_after_another():
    asked = threading.Event()

    def hold(handler):
        asked.set()
        handler.server.closing.wait()

    with serving({"/": page_of_links("held"), "/held": hold}) as site:
        child = start(CRAWL, site.origin)
        assert asked.wait(PATIENCE)
        child.send_signal(signal.SIGINT)
        Report(child).expect(status=INTERRUPTED, pages=1, cancelled=1)


def test_the_own_server_is_stopped_too():
    with tempfile.TemporaryDirectory() as directory:
        pathlib.Path(directory, "index.html").write_text("page")
        child = start(CRAWL, "--site", directory, "--latency", "1000000")
        while "in flight" not in child.stdout.readline():
            pass
        child.send_signal(signal.SIGINT)
        Report(child).expect(status=INTERRUPTED, pages=0, cancelled=1)


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            print(name, flush=True)
            test()
