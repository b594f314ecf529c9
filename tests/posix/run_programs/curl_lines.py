"""curl and a small server: several addresses, errors, limits of time, many at a time."""
import servers
import sites

NEEDS = ["curl"]

TOLD = "%{http_code} %{content_type} %{size_download} %{num_redirects} %{exitcode}\\n"
# -s without -S: some of curl's messages tell milliseconds.
CURL = ["curl", "-s", "-w", TOLD]

PARALLEL = ["-Z", "--no-progress-meter"]


def in_two_parts(handler):
    """The second one comes when the first one has been under way for long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "200000")
    handler.end_headers()
    handler.wfile.write(b"a" * 100000)
    handler.server.closing.wait(0.05)
    handler.wfile.write(b"b" * 100000)


PAGES = {
    "/": "the first page\n",
    "/large": "0123456789" * 30000,
    "/parts": in_two_parts,
    "/moved": sites.moved_to("/"),
    "/round": sites.moved_to("/round"),
    "/never": sites.never_answers,
    "/short": sites.stops_half_way,
    **{f"/{n}": f"page {n}\n" for n in range(40)},
}


def compare_errors(both, origin):
    both.same([*CURL, origin + "/no_such"], says="404 ")
    both.same([*CURL, "-f", origin + "/no_such"], status=22, says="404 ")
    both.same(["curl", "-sS", "-f", origin + "/no_such"], status=22, says="curl: (22)")
    both.same([*CURL, f"http://127.0.0.1:{servers.free_port()}"], status=7)
    both.same([*CURL, "http://no-such-host.invalid"], status=6)
    both.same(["curl", "-sS", origin + "/short"], status=18, says="curl: (18)")
    both.same([*CURL, "--max-time", "0.1", origin + "/never"], status=28)
    both.same([*CURL, "--max-time", "0.5", *PARALLEL, "--parallel-immediate", origin + "/never", origin + "/1"],
              status=28, says="page 1\n")
    both.same([*CURL, "-L", "--max-redirs", "3", origin + "/round"], status=47)


def compare(both):
    with sites.serving(PAGES) as site:
        origin = site.origin
        both.same([*CURL, origin], says="the first page\n200 ")
        both.same([*CURL, origin, origin + "/1", origin + "/parts", origin + "/2"], says="page 2\n200 ")
        both.same([*CURL, "-L", origin + "/moved"], says="the first page\n200 ")
        both.same([*CURL, origin.replace("127.0.0.1", "localhost") + "/3"], says="page 3\n200 ")
        both.same([*CURL, "-o", "large", origin + "/large", "-o", "#1.txt", origin + "/[1-9]"], says="200 ")
        both.same(["curl", "-s", *PARALLEL, "-o", "#1.txt", origin + "/[0-39]"])
        both.same(["curl", "-s", *PARALLEL, "--parallel-max", "3", "-o", "#1.txt", origin + "/{large,parts,1,2,3}"])
        both.same([*CURL, "-K", "-"], stdin=f'url = "{origin}/5"\nuser-agent = "none"\n', says="page 5\n")
        both.same(["curl", "-s", "--limit-rate", "10M", origin + "/large"])
        compare_errors(both, origin)
        both.waits("curl", "-s", origin + "/parts")
