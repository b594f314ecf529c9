#!/usr/bin/env python3
"""run_programs_test.py BRIO_RUN SUBJECT: programs of the system print, leave and end the same under brio-run.

SUBJECT_lines.py has the command lines. Where a program of a subject is not installed: says so, and exits with 77.
"""
import importlib
import pathlib
import shutil
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "examples"))

import servers  # noqa: E402
from both_ways import BothWays  # noqa: E402


def main(brio_run, subject):
    lines = importlib.import_module(f"{subject}_lines")
    missing = [program for program in lines.NEEDS if shutil.which(program) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}")
        return servers.NOT_INSTALLED
    both = BothWays(brio_run)
    lines.compare(both)
    print(f"{both.compared} command lines, {both.different} different")
    return 1 if both.different else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
