#!/usr/bin/env python3
"""Checks who includes whom: check_floors.py [ROOT]. Prints each breach; exit status 1 when there is one.

A file may include its own folder and every folder on a lower rank of FLOORS; public headers have a rank by
PUBLIC. So lib never includes io, and nothing includes lib/testing but the tests. Each foreign library stays
in the folders that FOREIGN names.
"""
import pathlib
import posixpath
import re
import sys

# From the ground up. Folders on one line do not include one another.
FLOORS = [
    ["lib/base"],
    ["lib/context"],
    ["lib/fiber"],
    ["lib/scheduler"],
    ["lib/thread"],
    ["lib/task"],
    ["lib/sync", "lib/debug", "lib/bridge"],
    ["io/reactor"],
    ["io/ops"],
    ["io/net"],
    ["io/file", "io/process"],
    ["io/stream", "io/tls"],
    ["io/subprocess"],
    ["io/posix"],
    ["io/run"],
    ["lib/testing", "io/testing"],
]

# Public headers and the floor whose sources implement them. One missing here is a breach.
PUBLIC = {
    "lib/base": ["version", "fwd", "error", "outcome", "time"],
    "lib/fiber": ["detail/ready_node"],
    "lib/sync": ["sync", "queue", "detail/queue_core", "detail/stores", "detail/waiter_list"],
    "lib/thread": ["detail/concurrent_core", "detail/short_lock"],
    "lib/task": [
        "awaitable", "context", "event_loop", "exception_group", "future", "gather", "run", "task", "task_group",
        "thread", "timeout", "wait", "detail/future_core", "detail/task_core", "detail/watcher",
    ],
    "lib/debug": ["call_graph"],
    "lib/bridge": ["bridge/boost_fiber"],
    "io/net": [
        "bytes", "detail/byte_channel", "io/datagram", "io/descriptor", "io/endpoint", "io/pipe", "io/resolver", "io/socket",
    ],
    "io/file": ["io/file", "io/filesystem", "io/sendfile"],
    "io/process": ["subprocess_options"],
    "io/stream": ["stream", "brio"],
    "io/subprocess": ["subprocess"],
    "io/tls": ["tls"],
    "io/posix": ["audit", "posix"],
    "lib/testing": ["testing"],
    "io/testing": ["testing_stream"],
}

# Headers of other projects (prefix of the include) and the folders that may name them.
FOREIGN = {
    "boost/context/": ["lib/context"],
    "boost/fiber/": ["lib/bridge", "include/brio/bridge", "bench", "tests/bridge", "tests/package/consumer"],
    "boost/": ["bench", "lib/bridge"],
    "liburing": ["io/reactor", "bench"],
    "openssl/": ["io/tls", "tests/posix", "tests/tls"],
    "curl/": ["examples", "tests/posix"],
    "glib": ["examples"],
    "libpq-fe": ["examples"],
    "hiredis/": ["examples"],
    "httplib": ["examples"],
    "sanitizer/": ["lib/context", "tests"],
    "valgrind/": ["lib/context", "tests"],
    "gtest/": ["tests"],
    "gmock/": ["tests"],
    "nlohmann/": ["tests"],
    "benchmark/": ["bench"],
}

# Standard headers too heavy for a public header.
HEAVY = ["filesystem", "future", "iostream", "memory", "ranges", "regex", "thread"]

RANK = {folder: rank for rank, folders in enumerate(FLOORS) for folder in folders}
FLOOR_OF_HEADER = {f"brio/{name}.hpp": floor for floor, names in PUBLIC.items() for name in names}
SOURCES = (".hpp", ".cpp", ".h", ".c", ".S", ".def")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def inside(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def floor_of(path):
    """The folder of FLOORS that a file belongs to, or None for what stands outside (tests, bench, ...)."""
    if path.startswith("include/"):
        return FLOOR_OF_HEADER.get(path.removeprefix("include/"))
    return next((folder for folder in RANK if path.startswith(folder + "/")), None)


def target_of(root, path, bracket, name):
    """The file of this repository that an include means, or None for a foreign or standard header."""
    if name.startswith("brio/"):
        return "include/" + name
    if bracket == '"':
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        for candidate in (beside, f"lib/{name}", f"io/{name}", f"tests/{name}"):
            if (root / candidate).is_file():
                return candidate
    return None


def breach_of(root, path, bracket, name):
    target = target_of(root, path, bracket, name)
    if target is None:
        if bracket == '"' and not path.startswith("tests/"):
            return "no such file in this repository"
        prefix = next((prefix for prefix in FOREIGN if name.startswith(prefix)), None)
        if prefix and not inside(path, FOREIGN[prefix]):
            return f"{prefix} is confined to {', '.join(FOREIGN[prefix])}"
        if path.startswith("include/") and name in HEAVY:
            return "too heavy for a public header"
        return None
    own, other = floor_of(path), floor_of(target)
    if path.startswith("include/") and not target.startswith("include/"):
        return "a public header includes only public headers"
    if path.startswith(("examples/", "bench/")):
        private = target.startswith(("lib/", "io/", "tests/"))
        return "only the public API may be used here" if private else None
    if own is None:
        return None
    if other is None:
        return "outside the floors"
    if own.startswith("lib/") and other.startswith("io/"):
        return f"lib never includes io: {own} may not include {other}"
    if own != other and RANK[other] >= RANK[own] and not both_public(path, target, own, other):
        return f"{own} may not include {other}"
    return None


def both_public(path, target, own, other):
    """Public headers of one rank may include one another: a folder boundary means nothing to a user."""
    return path.startswith("include/") and target.startswith("include/") and RANK[own] == RANK[other]


def breaches(root):
    for folder in ("include", "lib", "io", "tests", "bench", "examples"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in SOURCES:
                continue
            path = file.relative_to(root).as_posix()
            if not path.startswith(("tests/", "bench/", "examples/")) and floor_of(path) is None:
                yield f"{path}: belongs to no floor; add it to the tables in {pathlib.Path(__file__).name}"
            text = file.read_text(encoding="utf-8")
            for include in INCLUDE.finditer(text):
                if reason := breach_of(root, path, *include.groups()):
                    line = text.count("\n", 0, include.start(2)) + 1
                    yield f"{path}:{line}: includes {include[2]}: {reason}"


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]
    found = list(breaches(root))
    print("\n".join(found) if found else "floors: no breach")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
