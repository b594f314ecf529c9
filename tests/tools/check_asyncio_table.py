#!/usr/bin/env python3
"""check_asyncio_table.py [ROOT]: docs/asyncio.md is complete and true.

1. Each Brio name in the tables is declared in include/brio.
2. Each public name of include/brio is in a table, or in the lists under "Brio's own".
3. Each public name of this Python's asyncio, and of its main classes, is in the tables' first column.
4. A row without a Brio name says why.
"""
import asyncio
import pathlib
import re
import sys

import public_names

ROW = re.compile(r"^\| (?!asyncio \|)(?!-)(.*?) \| (.*?) \|(.*)\|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
OWN = "\n## Brio's own\n"

# The classes whose methods a program calls, and what they are called in the first column.
CLASSES = {
    "Task": asyncio.Task, "Future": asyncio.Future, "loop": asyncio.AbstractEventLoop, "Lock": asyncio.Lock,
    "Event": asyncio.Event, "Condition": asyncio.Condition, "Semaphore": asyncio.Semaphore, "Queue": asyncio.Queue,
    "StreamReader": asyncio.StreamReader, "StreamWriter": asyncio.StreamWriter, "Server": asyncio.AbstractServer,
    "Process": asyncio.subprocess.Process, "Handle": asyncio.Handle, "TimerHandle": asyncio.TimerHandle,
}
CLASSES.update({name: getattr(asyncio, name) for name in ("Runner", "Timeout", "TaskGroup", "Barrier")
                if hasattr(asyncio, name)})
# What came after the Python that may run this.
LATER = ["QueueShutDown", "Queue.shutdown", "EventLoop", "capture_call_graph", "format_call_graph", "print_call_graph",
         "FutureCallGraph", "FrameCallGraphEntry", "future_add_to_awaited_by", "future_discard_from_awaited_by",
         "eager_task_factory", "create_eager_task_factory", "Runner", "TaskGroup", "TaskGroup.cancel", "timeout",
         "timeout_at", "Timeout", "Barrier", "Server.close_clients", "Server.abort_clients"]


def asyncio_names():
    names = {name for name in asyncio.__all__ if not name.startswith("_")} | set(LATER)
    for prefix, kind in CLASSES.items():
        base = asyncio.Future if kind is asyncio.Task else object
        for method in vars(kind):
            if not method.startswith("_") and not (base is asyncio.Future and method in ("set_result", "set_exception")):
                names.add(f"{prefix}.{method}")
    return names


def quoted(text):
    return set(QUOTED.findall(text))


def complaints(page, declared, inherited, python):
    tables, _, own = page.partition(OWN)
    rows = ROW.findall(tables)
    left = {name for row in rows for name in quoted(row[0])}
    right = {name for row in rows for name in quoted(row[1])}
    for name in sorted(right - declared - inherited):
        yield f"`{name}` is in the tables and not in include/brio"
    mine = {name for name in quoted(own) if re.fullmatch(r"[\w:]+\*?", name)}
    for name in sorted(n for n in mine if not n.endswith("*") and n not in declared):
        yield f"`{name}` is under Brio's own and not in include/brio"
    stems = tuple(name[:-1] for name in mine if name.endswith("*"))
    for name in sorted(declared - right - mine):
        if not (stems and name.startswith(stems)):
            yield f"`{name}` is in include/brio and not on the page"
    for name in sorted(python - left):
        yield f"asyncio's `{name}` is missing"
    for row in rows:
        if not quoted(row[1]) and (row[1].strip() != "-" or len(row[2].strip()) < 10):
            yield f"no name and no reason: {row[0]}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    page = (root / "docs/asyncio.md").read_text(encoding="utf-8")
    found = list(complaints(page, public_names.declared(root), public_names.inherited(root), asyncio_names()))
    print("\n".join(found) or "docs/asyncio.md has every name of both sides")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
