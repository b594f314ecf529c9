#!/usr/bin/env python3
"""headers_alone.py COMPILER...: each public header must compile as the only include of a file, with every
warning an error, with and without RTTI. Prints the compiler's words for each that does not."""
import concurrent.futures
import itertools
import os
import pathlib
import subprocess
import sys

INCLUDE = pathlib.Path(__file__).parents[2] / "include"
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]


def complaint(compiler, option, header):
    command = [compiler, *FLAGS, *option, "-I", INCLUDE, "-x", "c++", "-"]
    done = subprocess.run(command, input=f"#include <{header}>\n", text=True, capture_output=True)
    return f"{header} alone, {compiler} {' '.join(option)}:\n{done.stderr}" if done.returncode else None


def main():
    compilers = sys.argv[1:]
    headers = sorted(path.relative_to(INCLUDE).as_posix() for path in INCLUDE.rglob("*.hpp"))
    cases = list(itertools.product(compilers, ([], ["-fno-rtti"]), headers))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        complaints = [words for words in workers.map(lambda case: complaint(*case), cases) if words]
    print("\n".join(complaints) or f"{len(headers)} headers compile alone, {len(cases)} compilations")
    return 1 if complaints or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
