#!/usr/bin/env python3
"""crawl_test.py CRAWL: what the crawler fetches, what it counts, and what it says of sites that fail."""
import socket
import sys
import threading

from sites import PATIENCE, crawl, moved_to, never_answers, page_of_links, serving, stops_half_way

CRAWL = sys.argv[1]


def test_a_page_is_fetched_once_however_often_it_is_linked():
    pages = {
        "/index.html": page_of_links("a.html", "a.html#part", "./a.html", "/sub/../a.html", "%61.html", "sub/b.html"),
        "/a.html": page_of_links("index.html"),
        "/sub/b.html": page_of_links("../a.html", "c.html?x=1&amp;y=2"),
        "/sub/c.html?x=1&y=2": "<p>The end",
    }
    with serving(pages) as site:
        report = crawl(CRAWL, f"{site.origin}/index.html")
        report.expect(status=0, pages=4, bytes=sum(len(p) for p in pages.values() if isinstance(p, str)))
        one_after_another, whole = site.asked[:4], site.asked[4:]
        assert sorted(one_after_another) == sorted(whole) == sorted(pages), site.asked


def test_what_is_no_link_or_leads_elsewhere_is_left_alone():
    elsewhere = ["http://elsewhere.invalid/", "//elsewhere.invalid/", "mailto:a@b.c", "javascript:f()", "ftp://x.invalid/"]
    index = page_of_links(*elsewhere) + '<img src="no.png"><!-- <a href="no"> --><script>"<a href=no>"</script>'
    with serving({"/": index, "/data": lambda h: h.answer(page_of_links("no"), content_type="text/plain")}) as site:
        crawl(CRAWL, site.origin, f"{site.origin}/data").expect(status=0, pages=2)
        assert set(site.asked) == {"/", "/data"}, site.asked


def test_redirects_are_followed_and_a_start_page_may_move_to_another_host():
    with serving({"/": page_of_links("old"), "/old": moved_to("/new"), "/new": "here"}) as there:
        with serving({"/": moved_to(f"{there.origin}/")}) as here:
            crawl(CRAWL, here.origin).expect(status=0, pages=2)


def test_failures_are_counted_and_named():
    pages = {
        "/": page_of_links("missing", "half", "silent", "well"),
        "/half": stops_half_way,
        "/silent": never_answers,
        "/well": "well",
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:  # whose port answers nobody once it is closed
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    with serving(pages) as site:
        report = crawl(CRAWL, "--timeout", "2", site.origin, dead)
        report.expect(status=1, pages=2, failures={"HTTP 404": 1, "cut off": 1, "too slow": 1, "dead host": 1})
        for address in (f"{site.origin}/{name}, linked from {site.origin}/" for name in ("missing", "half", "silent")):
            assert f"  {address}" in report.text, report
        assert f"  {dead}: " in report.text, report


def test_fetches_are_in_flight_at_the_same_time():
    """The second time round no page comes before all of them have been asked for."""
    many = 256
    all_asked = threading.Barrier(many)

    def wait_for_the_others(handler):
        if handler.server.asked.count("/") == 2:
            all_asked.wait(PATIENCE)
        handler.answer("page")

    pages = {f"/{n}": wait_for_the_others for n in range(many)}
    with serving({"/": page_of_links(*pages), **pages}) as site:
        report = crawl(CRAWL, "--timeout", str(PATIENCE), site.origin)
        report.expect(status=0, pages=many + 1, most_in_flight=many)


def test_no_more_are_in_flight_than_asked_for():
    pages = {f"/{n}": "page" for n in range(50)}
    with serving({"/": page_of_links(*pages), **pages}) as site:
        report = crawl(CRAWL, "--in-flight", "7", site.origin)
        report.expect(status=0, pages=51, most_in_flight=7)
        assert report.rows["one after another"].endswith("measured on the first 40)"), report


def test_what_is_measured_one_after_another_never_overlaps():
    another = threading.Event()
    overlaps = []

    def look_for_another(handler):
        if handler.server.asked.count("/") == 1:
            another.set()
            another.clear()
            overlaps.append(another.wait(0.05))
        handler.answer("page")

    pages = {f"/{n}": look_for_another for n in range(5)}
    with serving({"/": page_of_links(*pages), **pages}) as site:
        crawl(CRAWL, site.origin).expect(status=0, pages=6)
    assert overlaps == [False] * 5, overlaps


def test_wrong_calls_are_refused():
    for arguments in (["ftp://example.org/"], ["--in-flight", "0"], ["--timeout", "soon"], ["--what"]):
        report = crawl(CRAWL, *arguments)
        assert report.status == 2, report


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            print(name, flush=True)
            test()
