#!/usr/bin/env python3
"""server_test.py CRAWL: the crawler's own file server, spoken to byte by byte."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import sys
import tempfile

from sites import PATIENCE, start

CRAWL = sys.argv[1]


class Address:
    def __init__(self, port):
        self.port = port

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def exchange(self, sent):
        """Sends bytes, returns everything that comes back."""
        with self.connect() as connection:
            connection.sendall(sent)
            with connection.makefile("rb") as received:
                return received.read()

    def connect_and_leave(self, sent):
        """Leaves without a good-bye: the server's next call on the connection fails."""
        with self.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(sent)


@contextlib.contextmanager
def file_server():
    """Serves a small site while the context lasts; yields its Address."""
    with tempfile.TemporaryDirectory() as above:
        pathlib.Path(above, "secret.txt").write_text("secret")
        root = pathlib.Path(above, "site")
        (root / "sub").mkdir(parents=True)
        (root / "index.html").write_text("<p>home")
        (root / "sub" / "index.html").write_text("<p>sub")
        (root / "a b+%.css").write_text("p {}")
        (root / "big.bin").write_bytes(bytes(range(256)) * 20_000)
        os.mkfifo(root / "pipe")

        child = start(CRAWL, "--site", str(root), "--latency", "0", "--serve")
        port = int(re.search(r":(\d+)$", child.stdout.readline())[1])

        try:
            yield Address(port)
        finally:
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=PATIENCE)
            assert child.returncode == 130, child.returncode


def split(response):
    head, _, body = response.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return status.removeprefix("HTTP/1.1 "), dict(field.split(": ", 1) for field in fields), body


def get(server, target, method="GET"):
    return split(server.exchange(f"{method} {target} HTTP/1.1\r\nHost: here\r\n\r\n".encode()))


def test_files_come_whole_with_their_type_and_length(server):
    for target, content_type, body in (
        ("/", "text/html; charset=utf-8", b"<p>home"),
        ("/index.html?query=/../", "text/html; charset=utf-8", b"<p>home"),
        ("/sub/", "text/html; charset=utf-8", b"<p>sub"),
        ("/a%20b+%25.css", "text/css; charset=utf-8", b"p {}"),
        ("/big.bin", "application/octet-stream", bytes(range(256)) * 20_000),
    ):
        expected_head = {"Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close"}
        assert get(server, target) == ("200 OK", expected_head, body), target
        assert get(server, target, "HEAD") == ("200 OK", expected_head, b""), target


def test_nothing_above_the_root_is_served(server):
    for target in ("/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/sub/..", "/%00"):
        status, _, body = get(server, target)
        assert status == "403 Forbidden" and b"secret" not in body, (target, status)


def test_what_is_no_file_is_not_found(server):
    for target in ("/missing", "/index.html/more", "/pipe"):
        assert get(server, target)[0] == "404 Not Found", target


def test_a_directory_without_its_slash_is_a_redirect(server):
    status, head, _ = get(server, "/sub?x")
    assert status == "301 Moved Permanently" and head["Location"] == "/sub/", head


def test_wrong_requests_are_refused(server):
    status, head, _ = get(server, "/", "POST")
    assert status == "405 Method Not Allowed" and head["Allow"] == "GET, HEAD", head
    for request in (b"hello\r\n\r\n", b"GET /\r\n\r\n", b"GET index.html HTTP/1.1\r\n\r\n", b"GET / SPDY/3\r\n\r\n"):
        assert split(server.exchange(request))[0] == "400 Bad Request", request


def test_clients_that_leave_early_disturb_nobody(server):
    for sent in (b"", b"GET / HT", b"GET /big.bin HTTP/1.1\r\n\r\n"):
        server.connect_and_leave(sent)
    assert get(server, "/")[0] == "200 OK"


if __name__ == "__main__":
    with file_server() as address:
        for name, test in list(globals().items()):
            if name.startswith("test_"):
                print(name, flush=True)
                test(address)
