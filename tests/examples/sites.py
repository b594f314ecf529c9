"""Web sites that behave as a test says, and what the crawler says of them."""
import contextlib
import http.server
import os
import re
import subprocess
import threading

PATIENCE = 60  # seconds until a test gives up on what must happen soon


class Site(http.server.ThreadingHTTPServer):
    """Serves pages: {path: HTML text, or a function that is given the request handler}."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, pages):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages = pages
        self.asked = []  # paths, in order
        self.closing = threading.Event()
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass  # clients that leave are part of the tests


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        if page is None:
            self.send_error(404)
        elif callable(page):
            page(self)
        else:
            self.answer(page)

    def answer(self, text, status=200, content_type="text/html; charset=utf-8", **headers):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def stops_half_way(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"only this")
    handler.close_connection = True


def never_answers(handler):
    handler.server.closing.wait()
    handler.close_connection = True


def moved_to(place):
    return lambda handler: handler.answer("", status=301, Location=place)


@contextlib.contextmanager
def serving(pages):
    with Site(pages) as site:
        threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield site
        finally:
            site.closing.set()
            site.shutdown()


def page_of_links(*addresses):
    return "<!DOCTYPE html>" + "".join(f'<p><a href="{address}">there</a>' for address in addresses)


def start(program, *arguments):
    environment = {**os.environ, "no_proxy": "127.0.0.1"}
    return subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True, env=environment)


class Report:
    """The table at the end of a crawl, and the failures below it."""

    def __init__(self, child):
        self.text, _ = child.communicate(timeout=4 * PATIENCE)
        self.status = child.returncode
        self.rows = dict(re.findall(r"^  (\S.{19}) (.+)$", self.text, re.MULTILINE))
        self.rows = {name.strip(): value for name, value in self.rows.items()}
        table_and_failures = self.text.rpartition("\n\n")[2]
        self.failures = {kind: int(count) for kind, count in re.findall(r"^(\S.*): (\d+)$", table_and_failures, re.MULTILINE)}

    def __str__(self):
        return f"status {self.status}\n{self.text}"

    def number(self, row):
        return float(re.match(r"[\d.,]+", self.rows[row])[0].replace(",", ""))

    def expect(self, status, failures=None, **numbers):
        assert self.status == status, self
        assert self.failures == (failures or {}), self
        for row, number in numbers.items():
            assert self.number(row.replace("_", " ")) == number, f"{row} is not {number}: {self}"
        assert self.number("errors") == sum(self.failures.values()), self
        # Without io_uring, helper threads read what is not in memory of the own server's files.
        assert self.number("OS threads") == 1 or (self.rows["reactor"], "serving" in self.text) == ("epoll", True), self


def crawl(program, *arguments):
    return Report(start(program, *arguments))
