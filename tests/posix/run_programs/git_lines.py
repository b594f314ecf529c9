"""git: clones of a repository that is served as plain files over http, and locally, where two gits talk by pipes."""
import contextlib
import functools
import http.server
import os
import subprocess
import tempfile
import threading

NEEDS = ["git"]

ALWAYS_THE_SAME = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                   for what, value in (("NAME", "Brio"), ("EMAIL", "brio@example.org"), ("DATE", "2024-01-02T03:04Z"))}
ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", **ALWAYS_THE_SAME}
LOG = ["git", "-C", "copy", "log", "--stat", "--format=%H %an %aI %s%d"]

COMMITS = """set -e
    git init -q -b main work; cd work
    for n in $(seq 10); do
        mkdir -p d$((n % 3)); seq $((n * 500)) >d$((n % 3))/f$n; git add .; git commit -qm "Commit $n"
    done
    git tag -m tagged v1; git branch other HEAD~3; git gc -q
    echo loose >loose; git add .; git commit -qm Loose
    cd ..; git clone -q --bare work bare.git; git -C bare.git update-server-info"""


class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(directory):
    """Yields the origin of a site of files."""
    files = functools.partial(Files, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), files) as site:
        threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{site.server_address[1]}"
        finally:
            site.shutdown()


def compare_clones(both, origin, bare):
    for source in (origin + "/bare.git", bare, "file://" + bare):
        both.same(["git", "clone", source, "copy"], LOG, says="Loose", **ENVIRONMENT)
    both.same(["git", "clone", "-q", "-b", "other", "--single-branch", origin + "/bare.git", "copy"], LOG,
              says="Commit 7", **ENVIRONMENT)
    both.same(["git", "ls-remote", origin + "/bare.git"], says="refs/tags/v1^{}", **ENVIRONMENT)
    both.same(["git", "clone", origin + "/none.git"], status=128, says="not found", **ENVIRONMENT)
    both.waits("git", "clone", "-q", origin + "/bare.git", "copy", **ENVIRONMENT)


def compare_work(both, bare):
    def same(*arguments, then=(), **expected):
        git = ["git", "-C", "copy", *arguments]
        both.same(["git", "clone", "-q", bare, "copy"], git, *then, **expected, **ENVIRONMENT)

    same("fsck", "--full", "--no-progress")
    same("grep", "-c", "99$", says="d1/f10:50")
    same("rebase", "-q", "--exec", "echo rebased", "HEAD~2", then=[LOG], says="Loose")
    same("merge", "nothing", status=1, says="merge: nothing")
    same("commit", "-m", "Both", "--allow-empty", "-F", "-", status=128, says="cannot be used together")
    same("hash-object", "-w", "--stdin", stdin="text\n", says="8e27be7d6154a1f68ea9160ef0e18691d20560dc")
    same("repack", "-adq", "--threads=2", then=[LOG], says="Loose")


def compare(both):
    with tempfile.TemporaryDirectory() as directory, serving(directory) as origin:
        environment = {**os.environ, **ENVIRONMENT, "HOME": directory}
        subprocess.run(["bash", "-c", COMMITS], cwd=directory, env=environment, check=True)
        bare = directory + "/bare.git"
        compare_clones(both, origin, bare)
        compare_work(both, bare)
