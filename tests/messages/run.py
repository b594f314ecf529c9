#!/usr/bin/env python3
"""run.py COMPILER [MISTAKE...]: what the compiler says of the common mistakes beside this script, each a .cpp file.

A file has the mistake on the line that ends in `// error here`, what to do instead in its line `// remedy: TEXT`,
and the corrected line under #ifdef FIXED. The first error must be at the mistake's line, and it or its notes must
have the remedy, word for word; with -DFIXED the file must compile. Warnings are errors.
Exits 77 when the compiler is not installed."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", HERE.parents[1] / "include"]
ERROR = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: (?:fatal )?error: .*$", re.MULTILINE)
MARK = "  // error here"


def words_of(compiler, source, *options):
    environment = {**os.environ, "LC_ALL": "C"}
    command = [compiler, *FLAGS, *options, source]
    done = subprocess.run(command, text=True, capture_output=True, timeout=120, env=environment)
    return done.returncode, done.stderr


def first_error(words):
    """Where the first error is, and the text from it to the next one."""
    errors = list(ERROR.finditer(words))
    if not errors:
        return None, ""
    end = errors[1].start() if len(errors) > 1 else len(words)
    return f"{errors[0]['file']}:{errors[0]['line']}", words[errors[0].start():end]


def what_is_wrong(compiler, source):
    lines = source.read_text(encoding="utf-8").splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.endswith(MARK)]
    remedies = [line.removeprefix("// remedy: ") for line in lines if line.startswith("// remedy: ")]
    if len(marked) != 1 or len(remedies) != 1:
        return "needs one line marked `// error here` and one `// remedy: TEXT`"
    if remedies[0] in lines[marked[0] - 1]:
        return "the remedy stands on the mistake's own line, which the compiler quotes"

    code, words = words_of(compiler, source)
    place, block = first_error(words)
    if code == 0:
        return "the mistake compiles"
    if place != f"{source}:{marked[0]}":
        return f"the first error is at {place}, not at line {marked[0]}:\n{words}"
    if remedies[0] not in block:
        return f"the first error does not say `{remedies[0]}`:\n{block}"
    code, words = words_of(compiler, source, "-DFIXED")
    return f"the corrected program does not compile:\n{words}" if code else None


def main():
    compiler, *names = sys.argv[1:]
    if shutil.which(compiler) is None:
        print(f"SKIPPED: {compiler} is not installed, so nobody has read what it says of a mistake")
        return 77
    sources = [HERE / f"{name}.cpp" for name in names] or sorted(HERE.glob("*.cpp"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        answers = list(workers.map(lambda source: what_is_wrong(compiler, source), sources))
    wrong = [f"{source.name}, {compiler}: {answer}" for source, answer in zip(sources, answers) if answer]
    print("\n".join(wrong) or f"{compiler} names the remedy of {len(sources)} mistakes, each at its line")
    return 1 if wrong or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
