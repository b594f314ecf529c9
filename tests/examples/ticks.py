"""Runs the examples that have a ticking fiber, beside real servers or none."""
import os
import re
import subprocess

from sites import PATIENCE

MUCH_TOO_LATE = 200  # milliseconds between ticks
ATTEMPTS = 3  # a busy machine may hold a thread up once, a blocking call does it each time


def run(*command):
    """Returns what is printed before the last line, and the numbers in that."""
    for attempt in range(ATTEMPTS):
        printed, numbers = run_once(command)
        if numbers[-1] < MUCH_TOO_LATE:
            break
    else:
        raise AssertionError(f"{ATTEMPTS} times a tick was late, the last time by {numbers[-1]} ms")
    run_once(command, AUDIT="1")
    return printed, numbers


def run_once(command, **environment):
    """As run(); nothing may be written to standard error, which is where an audit's findings go."""
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=PATIENCE, env={**os.environ, "no_proxy": "*", **environment})
    assert done.returncode == 0 and done.stderr == "", f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    *printed, last = done.stdout.splitlines()
    print(last, environment)
    return printed, [float(number) for number in re.findall(r"\d+(?:\.\d+)?", last)]
