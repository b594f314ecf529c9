#!/usr/bin/env python3
"""doc_code.py COMPILER: compiles every ```cpp block of README.md and docs/ that is a program (has a main).
A block that is meant to be wrong or incomplete says ```cpp fragment."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
BLOCK = re.compile(r"^```cpp[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", ROOT / "include"]


def programs(page):
    """The page's programs, each preceded by a #line, so that the compiler names the page."""
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        if re.search(r"\bint main\b", block[1]):
            line = text.count("\n", 0, block.start(1)) + 1
            yield f'#line {line} "{page.relative_to(ROOT)}"\n{block[1]}'


def complaint(compiler, program):
    done = subprocess.run([compiler, *FLAGS, "-x", "c++", "-"], input=program, text=True, capture_output=True)
    return done.stderr if done.returncode else None


def main():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found = [program for page in pages if page.exists() for program in programs(page)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        complaints = [words for words in workers.map(lambda p: complaint(sys.argv[1], p), found) if words]
    print("\n".join(complaints) or f"{len(found)} programs in the documents compile")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
