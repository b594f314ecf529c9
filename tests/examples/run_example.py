#!/usr/bin/env python3
"""run_example.py PROGRAM SOURCE: runs an example and compares its output with the comment that ends its source."""
import pathlib
import subprocess
import sys

PROMISE = "// Prints:\n"
INDENT = "//   "


def main():
    program, source = sys.argv[1:]
    text = pathlib.Path(source).read_text(encoding="utf-8")
    promised = "".join(line.removeprefix(INDENT) for line in text.partition(PROMISE)[2].splitlines(keepends=True))
    assert promised, f"{source} does not end in what it prints"

    done = subprocess.run([program], stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    assert done.stdout == promised, f"promised:\n{promised}\nprinted:\n{done.stdout}"


if __name__ == "__main__":
    main()
