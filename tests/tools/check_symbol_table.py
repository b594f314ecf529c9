#!/usr/bin/env python3
"""check_symbol_table.py [ROOT]: the table and the list in docs/porting.md are those of io/posix/symbols.def."""
import pathlib
import re
import sys

ROW = re.compile(r'^(SYMBOL|DYNAMIC)\((\w+), (waits|stdio|notes), "([^"]*)", "([^"]*)"\)$', re.MULTILINE)
HEAD = "| call | suspends | a cancelled task gets |\n|---|---|---|\n"
LIST = ("Never wait, and are interposed to notice what they do to a descriptor, a handler or a lock, or to keep Brio's own "
        "descriptors from them: ")


def wanted(root):
    """The table, and the sentence with those that never wait."""
    rows = ROW.findall((root / "io/posix/symbols.def").read_text(encoding="utf-8"))
    mark = {"SYMBOL": "", "DYNAMIC": " †"}
    table = [f"| `{name}`{mark[form]} | {until} | {told} |" for form, name, kind, until, told in rows if kind != "notes"]
    notes = [f"`{name}`{mark[form]}" for form, name, kind, _, _ in rows if kind == "notes"]
    return HEAD + "\n".join(table) + "\n", LIST + ", ".join(notes) + "."


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    page = (root / "docs/porting.md").read_text(encoding="utf-8")
    # The sentence may be broken into lines.
    missing = [part for part in wanted(root) if " ".join(part.split()) not in " ".join(page.split())]
    missing += ["one table only"] if page.count(HEAD) != 1 else []
    print("\n\n".join(["docs/porting.md needs:", *missing] if missing else ["docs/porting.md has symbols.def's table"]))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
