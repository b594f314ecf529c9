#!/usr/bin/env python3
"""Runs the benchmarks and compares Brio with its peers.

The benchmarks of one WHAT/N run right after one another, each in a process of its own, and all of them once a
round: a machine that slows down slows all libraries down, and no benchmark finds another's warm heap. A ratio is
taken within a round, or from one process that runs both in turn; of ratios, as of figures, the median over the
rounds is shown.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys

LIMIT_SECONDS = 600  # for one benchmark
MINIMUM_ROUNDS = 5

# What a WHAT is compared by, other than by its CPU time: keys of its counters, each with its unit and its name.
FIGURES = {
    "parked": [("bytes_per_fiber", "B", "resident memory of a fiber"),
               ("page_table_bytes_per_fiber", "B", "its page tables"),
               ("cpu_time", "ns", "CPU time of a fiber")],
    "echo": [("server_ns_per_request", "ns", "server's CPU time")],
    "plain_echo": [("server_ns_per_request", "ns", "server's CPU time")],
}
CPU_TIME = [("cpu_time", "ns", "CPU time")]

# What a run's JSON holds beside its times and counters.
DESCRIPTION = {"name", "run_name", "run_type", "family_index", "per_family_instance_index", "repetitions",
               "repetition_index", "threads", "iterations", "time_unit", "label"}


def variation(values):
    mean = statistics.mean(values)
    return statistics.stdev(values) / mean if mean else 0.0


AGGREGATES = {
    "mean": (statistics.mean, "time"),
    "median": (statistics.median, "time"),
    "stddev": (statistics.stdev, "time"),
    "cv": (variation, "percentage"),
}


def parse_arguments():
    parser = argparse.ArgumentParser(description="Run the benchmarks and compare Brio with its peers.")
    parser.add_argument("filter", nargs="?", default="", metavar="FILTER",
                        help="only benchmarks LIBRARY/WHAT/N in which this regular expression is found")
    parser.add_argument("--binary", required=True, metavar="PATH", help="the program brio-bench")
    parser.add_argument("--json", metavar="FILE", type=argparse.FileType("w"),
                        help="write all results there, as Google Benchmark does")
    parser.add_argument("--repetitions", type=int, default=MINIMUM_ROUNDS, metavar="N",
                        help=f"rounds, at least {MINIMUM_ROUNDS}, which is the default")
    parser.add_argument("--peers", action="store_true",
                        help="compare with every peer in the program, which is done without this too")
    arguments = parser.parse_args()
    if arguments.repetitions < MINIMUM_ROUNDS:
        parser.error(f"--repetitions {arguments.repetitions}: medians are of at least {MINIMUM_ROUNDS}")
    return arguments


def groups_of(binary, pattern):
    """The names that the pattern is found in, by WHAT/N, in the program's order."""
    listing = subprocess.run([binary, "--benchmark_list_tests"], check=True, capture_output=True, text=True)
    groups = {}
    for name in listing.stdout.split():
        library, work = name.split("/", 1)
        if re.search(pattern, name):
            groups.setdefault(work, []).append(library)
    return groups


class Failed(Exception):
    """One benchmark cannot be measured; the others can."""


def measure(binary, name):
    """One run of one benchmark, and the context that the program gives with it."""
    command = [binary, f"--benchmark_filter=^{name}$", "--benchmark_format=json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"has not ended after {LIMIT_SECONDS} s") from error
    if done.returncode != 0:
        raise Failed(f"has ended with status {done.returncode}\n{done.stderr}")
    report = json.loads(done.stdout)
    run = report["benchmarks"][0]
    if run.get("error_occurred"):
        raise Failed(f"{run['error_message']}\n{done.stderr}")
    return run, report["context"]


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


class Measurements:
    def __init__(self):
        self.runs = {}  # by name, one a round
        self.failed = {}  # by name, why; such a benchmark has no runs
        self.context = None  # that of the first run

    def add_round(self, binary, names, description):
        for name in names:
            if name in self.failed:
                continue
            progress(f"{description}: {name}")
            try:
                run, context = measure(binary, name)
            except Failed as error:
                self.failed[name] = str(error)
                self.runs.pop(name, None)
                continue
            self.context = self.context or context
            self.runs.setdefault(name, []).append(run)


def measure_all(binary, groups, rounds):
    result = Measurements()
    for index in range(rounds):
        for work, libraries in groups.items():
            start = index % len(libraries)  # none always runs first
            names = [f"{library}/{work}" for library in libraries[start:] + libraries[:start]]
            result.add_round(binary, names, f"round {index + 1} of {rounds}")
    progress("")
    return result


def aggregate(runs, name, function, unit):
    first = runs[0]
    result = {key: first[key] for key in first if key in DESCRIPTION and key != "repetition_index"}
    result.update(name=f"{first['run_name']}_{name}", run_type="aggregate", aggregate_name=name,
                  aggregate_unit=unit, iterations=len(runs))
    for key in first:
        if key not in DESCRIPTION:
            result[key] = function([run[key] for run in runs])
    return result


def write_json(file, runs, context):
    results = []
    for family, of_one_name in enumerate(runs.values()):
        for index, run in enumerate(of_one_name):
            run.update(family_index=family, repetitions=len(of_one_name), repetition_index=index)
        results += of_one_name
        results += [aggregate(of_one_name, name, *how) for name, how in AGGREGATES.items()]
    with file:
        json.dump({"context": context, "benchmarks": results}, file, indent=2)
        file.write("\n")


def amount(values, unit):
    value = statistics.median(values)
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.1f} {unit}"


def table_row(work, peer, figure, runs):
    """One line of the table: a peer of None is Brio alone."""
    key, unit, what = figure
    brio = [run[key] for run in runs.get(f"brio/{work}", [])]
    other = [run[key] for run in runs.get(f"{peer}/{work}", [])]
    beside = f"{peer}_{key}"  # the peer's figure as Brio's own process has taken it, run by run in turn
    if other and all(beside in run for run in runs.get(f"brio/{work}", [{}])):
        other = [run[beside] for run in runs[f"brio/{work}"]]
    row = [work, what, amount(brio, unit) if brio else "", peer or "", amount(other, unit) if other else ""]
    if not brio or not other:
        return row + ["", ""]
    ratios = [ours / theirs for ours, theirs in zip(brio, other)]
    return row + [f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"]


def print_table(groups, runs, rounds):
    rows = [["", "", "brio", "peer", "", "ratio", "lowest to highest"]]
    for work, libraries in groups.items():
        measured = [library for library in libraries if f"{library}/{work}" in runs]
        if not measured:
            continue
        for peer in [library for library in measured if library != "brio"] or [None]:
            for figure in FIGURES.get(work.split("/")[0], CPU_TIME):
                rows.append(table_row(work, peer, figure, runs))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    to_the_right = {2, 4, 5}
    print(f"Brio and its peers, medians of {rounds} rounds; ratios below 1 are in Brio's favour")
    for row in rows:
        cells = [cell.rjust(width) if column in to_the_right else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def main():
    arguments = parse_arguments()
    groups = groups_of(arguments.binary, arguments.filter)
    if not groups:
        sys.exit(f"no benchmark has {arguments.filter!r} in its name")
    measured = measure_all(arguments.binary, groups, arguments.repetitions)
    if arguments.json:
        write_json(arguments.json, measured.runs, measured.context)
    print_table(groups, measured.runs, arguments.repetitions)
    for name, why in measured.failed.items():
        print(f"FAILED {name}: {why}", file=sys.stderr)
    return 1 if measured.failed else 0


if __name__ == "__main__":
    sys.exit(main())
