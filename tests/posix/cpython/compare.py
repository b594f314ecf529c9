#!/usr/bin/env python3
"""Runs CPython's own tests plainly and under brio-run, and compares them test by test.

usage: compare.py BRIO_RUN [--python PYTHON] [--markdown] [MODULE...]

Prints a line a module, and each test that ends otherwise; exit status 1 when there is one. The tests come with
Debian's libpython3.11-testsuite.
"""
import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile

MODULES = ["test_select", "test_selectors", "test_poll", "test_epoll", "test_socket", "test_time", "test_os", "test_posix",
           "test_subprocess", "test_httplib", "test_urllib2_localnet", "test_ftplib", "test_io", "test_fileio", "test_popen",
           "test_signal", "test_eintr", "test_threading", "test_queue"]
LIMIT_SECONDS = 600

# "name (test.module.Class.name) ... ok", perhaps with a line of documentation and other output in between.
BEGINS = re.compile(r"^(\w+) \((test\.[\w.]+|__main__[\w.]*)\)")
ENDS = re.compile(r"\.\.\. .*?(ok|FAIL|ERROR|skipped .*|expected failure|unexpected success)$")
ENDS_LATE = re.compile(r"^.*?(ok|FAIL|ERROR|skipped '.*'|expected failure)$")


def outcomes(output):
    """The end of each test by its name: ok, FAIL, ERROR, skipped, ..."""
    found = {}
    running = None
    for line in output.splitlines():
        begins = BEGINS.match(line)
        if begins and not line.startswith(("FAIL:", "ERROR:")):
            running = f"{begins[2]} {begins[1]}"
        ends = ENDS.search(line) or (ENDS_LATE.match(line) if running else None)
        if running and ends:
            found[running] = ends[1].split()[0]
            running = None
    return found


def run(command):
    with tempfile.TemporaryDirectory() as directory:
        try:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   cwd=directory, timeout=LIMIT_SECONDS, text=True, errors="replace")
        except subprocess.TimeoutExpired as late:
            return "hangs", (late.stdout or b"").decode(errors="replace")
    return ended.returncode, ended.stdout


def counted(results):
    count = collections.Counter(results.values())
    return ", ".join(f"{number} {what}" for what, number in sorted(count.items()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("brio_run")
    parser.add_argument("--python", default="/usr/bin/python3.11")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--log", help="a directory for what the tests print")
    parser.add_argument("modules", nargs="*", default=MODULES)
    arguments = parser.parse_args()
    all_same = True
    for module in arguments.modules:
        tests = [arguments.python, "-m", "test", "-v", "-i", "*VSOCK*", module]
        plain_status, plain_text = run(tests)
        status, text = run([os.path.abspath(arguments.brio_run)] + tests)
        if arguments.log:
            for name, kept in (("plain", plain_text), ("brio", text)):
                with open(f"{arguments.log}/{module}.{name}", "w") as file:
                    file.write(kept)
        if "layer stands aside" in text:
            sys.exit(f"{module}: the layer was not active, so nothing is compared")
        plain, ours = outcomes(plain_text), outcomes(text)
        different = sorted(name for name in plain.keys() | ours.keys() if plain.get(name) != ours.get(name))
        same = not different and status == plain_status
        all_same = all_same and same
        if arguments.markdown:
            print(f"| {module} | {counted(plain)} | {'the same' if same else counted(ours)} |", flush=True)
        else:
            print(f"{module}: {counted(plain)}" + ("" if same else f"; under brio-run {counted(ours)}, status {status}"), flush=True)
        for name in different:
            print(f"  {name}: {plain.get(name)} -> {ours.get(name)}", flush=True)
    return 0 if all_same else 1


if __name__ == "__main__":
    sys.exit(main())
