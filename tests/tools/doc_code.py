#!/usr/bin/env python3
"""doc_code.py COMPILER: compiles every ```cpp block of README.md and docs/ that is a program (has a main), and
follows every link. A block that is meant to be wrong or incomplete says ```cpp fragment."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
BLOCK = re.compile(r"^```cpp[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
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


def anchors(page):
    """The #names of the page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page):
    """Links to files that are not there, or to headings that those do not have; the web is not asked."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            yield f"{page.relative_to(ROOT)}: {target} leads nowhere"


def main():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found = [program for page in pages for program in programs(page)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        complaints = [words for words in workers.map(lambda p: complaint(sys.argv[1], p), found) if words]
    complaints += [words for page in pages for words in broken_links(page)]
    print("\n".join(complaints) or f"{len(found)} programs in the documents compile, and each link leads somewhere")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
