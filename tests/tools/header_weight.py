#!/usr/bin/env python3
"""header_weight.py [COMPILER]: what the umbrella header costs a user. It must compile in the budget, and no
heavy standard header may come with it, not even through another one."""
import pathlib
import resource
import subprocess
import sys

import check_floors

BUDGET_SECONDS = 1.2
RUNS = 7
INCLUDE = pathlib.Path(__file__).parents[2] / "include"


def compile_umbrella(compiler, *options):
    command = [compiler, "-std=c++20", "-I", INCLUDE, *options, "-x", "c++", "-"]
    return subprocess.run(command, input="#include <brio/brio.hpp>\n", text=True, check=True, stdout=subprocess.PIPE).stdout


def cpu_seconds_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cost(compiler):
    before = cpu_seconds_of_children()
    compile_umbrella(compiler, "-c", "-o", "/dev/null")
    return cpu_seconds_of_children() - before


def main():
    compiler = sys.argv[1] if len(sys.argv) > 1 else "g++"
    seconds = min(cost(compiler) for _ in range(RUNS))
    # A dependency such as /usr/include/c++/12/thread; Brio's own headers have a suffix.
    included = {pathlib.PurePosixPath(word).name for word in compile_umbrella(compiler, "-M").split()}
    heavy = sorted(included.intersection(check_floors.HEAVY))
    print(f"brio/brio.hpp compiles in {seconds:.2f} s (budget {BUDGET_SECONDS} s)")
    if heavy:
        print("it brings in " + ", ".join(f"<{name}>" for name in heavy))
    return 1 if heavy or seconds > BUDGET_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
