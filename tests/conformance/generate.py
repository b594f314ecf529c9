#!/usr/bin/env python3
"""Random scenarios in the conformance language, to find differences that the committed ones miss.

    generate.py COUNT [SEED] [--category NAME] > new.jsonl

Their traces are empty: fill them in with the oracle (`oracle.py --fill new.jsonl`, on asyncio 3.14).
Procs call and spawn only procs of a higher number, and wait only for variables of a higher level, so
that nothing waits for itself: asyncio's cancel() would recurse for ever.
"""
import argparse
import json
import random

ERRORS = ["E1", "E2", "E3"]
HANDLED = [*ERRORS, "CancelledError", "CancelledError", "TimeoutError", "RuntimeError",
           "InvalidStateError", "ValueError", "ExceptionGroup", "Exception", "Exception",
           "BaseException"]
DELAYS = [0, 0, 0, 1, 1, 2, 3, 5, 8, 10, 20]
LIMITS = [None, 0, 1, 1, 2, 3, 5, 8, 10, -1]
RULES = ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"]

# What a category uses more than others; everything else still occurs.
FOCUS = {
    "tasks": ["await", "cancel", "cancel_self", "uncancel", "cancelling", "on_done", "state"],
    "gather": ["gather", "gather_start", "cancel", "await"],
    "wait": ["wait", "cancel", "spawn"],
    "wait_for": ["wait_for", "set_result", "cancel"],
    "timeout": ["timeout", "reschedule", "wait_for", "cancelling", "uncancel"],
    "as_completed": ["as_completed", "spawn", "cancel"],
    "shield": ["shield", "cancel", "state", "set_result"],
    "taskgroup": ["taskgroup", "group_spawn", "cancel", "raise"],
    "future": ["set_result", "set_exception", "await", "shield", "on_done"],
    "callback": ["call_soon", "call_later", "cancel_handle", "on_done"],
    "eager": ["spawn_eager", "gather", "await", "cancel"],
    "all": [],
}
WEIGHTS = {
    "log": 3, "sleep": 10, "spawn": 5, "await": 4, "call": 2, "raise": 2, "return": 1, "try": 7,
    "repeat": 1, "cancel": 4, "cancel_self": 0.5, "uncancel": 1, "cancelling": 0.7, "state": 1.5,
    "on_done": 1, "call_soon": 0.7, "call_later": 1, "cancel_handle": 0.5, "gather": 2,
    "gather_start": 1, "wait": 1.5, "wait_for": 2, "shield": 1.5, "as_completed": 1, "timeout": 2,
    "reschedule": 0.7, "taskgroup": 1.5, "group_spawn": 2, "set_result": 1, "set_exception": 0.5,
    "spawn_eager": 0.4, "reraise": 0.5,
}
# What a callback's body may hold.
IMMEDIATE = ["log", "cancel", "state", "set_result", "set_exception", "spawn", "on_done",
             "call_soon", "call_later", "cancel_handle", "gather_start", "cancel_self"]


class Writer:
    """One scenario in the making."""

    def __init__(self, rng, category):
        self.rng = rng
        self.weights = dict(WEIGHTS)
        for op in FOCUS[category]:
            self.weights[op] *= 6
        for op in rng.sample(sorted(WEIGHTS), 6):
            if op not in FOCUS[category]:
                self.weights[op] = 0
        self.futures = ["F", "G"][:rng.choice([0, 1, 1, 2])]
        self.count = rng.randint(1, 5)
        self.handles, self.number = [], 0
        self.procs = {f"t{k}": rng.randint(1, self.count) for k in range(1, rng.randint(4, 14))}
        self.gathers = {f"g{k}": rng.randint(0, self.count - 1) for k in range(1, 4)}
        self.levels = {**self.procs, **{g: k + 0.5 for g, k in self.gathers.items()}}

    def scenario(self, name):
        procs = {f"p{k}": self.proc(k) for k in range(self.count, 0, -1)}
        procs["main"] = self.main()
        objects = {f: {"kind": "future"} for f in self.futures}
        return {"name": name, "objects": objects, "procs": procs, "expect": []}

    def proc(self, k):
        self.level = k
        body = [["log", f"start {k}"]] if self.rng.random() < 0.6 else []
        body += self.block(0, self.rng.randint(2, 6))
        if self.rng.random() < 0.6:
            body.append(["return", self.rng.randint(0, 99)])
        return body

    def main(self):
        self.level = 0
        body = [self.make_spawn(0) for _ in range(self.rng.randint(1, 4))]
        body = [s for s in body if s] + self.block(0, self.rng.randint(3, 9))
        mine = [t for t in self.procs if self.rng.random() < 0.5]
        if mine and self.rng.random() < 0.5:
            body.append(["gather", ["$" + t for t in mine], True])
        return body

    # -- parts
    def some_proc(self):
        return f"p{self.rng.randint(self.level + 1, self.count)}"

    def may_call(self):
        return self.level < self.count

    def variable(self):
        return "$" + self.rng.choice([*self.levels, *self.futures * 2])

    def waitable(self):
        """A variable that cannot be waiting for this proc."""
        names = [v for v, level in self.levels.items() if level > self.level]
        names += self.futures * 2
        return "$" + self.rng.choice(names) if names else None

    def item(self):
        if self.may_call() and self.rng.random() < 0.35:
            return self.some_proc()
        return self.waitable()

    def items(self, one):
        found = [one() for _ in range(self.rng.choice([1, 2, 2, 3, 4]))]
        return None if None in found else found

    def spawn(self, op):
        names = [t for t, k in self.procs.items() if k > self.level]
        name = self.rng.choice(names) if names else None
        return [op, name, f"p{self.procs[name]}"] if name else None

    def label(self):
        self.number += 1
        return f"c{self.number}"

    def block(self, depth, n):
        body = [s for s in (self.statement(depth) for _ in range(n)) if s]
        return body or [["sleep", self.rng.choice(DELAYS)]]

    def callback_body(self, depth):
        body = (getattr(self, "make_" + self.rng.choice(IMMEDIATE))(depth + 2) for _ in range(2))
        return [s for s in body if s][:self.rng.randint(0, 2)]

    def statement(self, depth):
        ops = [op for op, w in self.weights.items() if w]
        op = self.rng.choices(ops, [self.weights[o] for o in ops])[0]
        return getattr(self, "make_" + op)(depth)

    # -- statements; None where one is not possible here
    def make_log(self, depth):
        return ["log", f"{self.level}.{self.label()}"]

    def make_sleep(self, depth):
        return ["sleep", self.rng.choice(DELAYS)]

    def make_return(self, depth):
        return ["return", self.rng.randint(0, 99)] if depth and self.rng.random() < 0.5 else None

    def make_raise(self, depth):
        if self.rng.random() < 0.25:
            return ["raise", "CancelledError", self.rng.choice([None, self.label()])]
        return ["raise", self.rng.choice(ERRORS), f"m{self.rng.randint(0, 9)}"]

    def make_reraise(self, depth):
        return ["reraise"] if depth else None

    def make_try(self, depth):
        if depth > 2:
            return None
        n = self.rng.choice([0, 1, 1, 1, 2])
        handlers = [[kind, self.handler(depth)] for kind in self.rng.sample(HANDLED, n)]
        part = lambda chance: (self.block(depth + 1, self.rng.randint(1, 2))
                               if self.rng.random() < chance else [])
        return ["try", self.block(depth + 1, self.rng.randint(1, 3)), handlers, part(0.15),
                part(0.5 if not handlers else 0.2)]

    def handler(self, depth):
        body = [] if self.rng.random() < 0.3 else self.block(depth + 1, self.rng.randint(1, 2))
        return body + [["reraise"]] * (self.rng.random() < 0.25)

    def make_repeat(self, depth):
        if depth > 1:
            return None
        return ["repeat", self.rng.randint(1, 3), self.block(depth + 1, self.rng.randint(1, 2))]

    def make_spawn(self, depth):
        return self.spawn("spawn")

    def make_spawn_eager(self, depth):
        return self.spawn("spawn_eager")

    def make_group_spawn(self, depth):
        return self.spawn("group_spawn")

    def make_call(self, depth):
        return ["call", self.some_proc()] if self.may_call() else None

    def make_await(self, depth):
        item = self.item()
        return ["await", item] if item else None

    def make_cancel(self, depth):
        message = [[], [self.label()], [""], [None]][self.rng.choices(range(4), [6, 4, 1, 1])[0]]
        return ["cancel", self.variable(), *message]

    def make_cancel_self(self, depth):
        return ["cancel_self"]

    def make_uncancel(self, depth):
        return ["uncancel"]

    def make_cancelling(self, depth):
        return ["cancelling"]

    def make_state(self, depth):
        return ["state", self.variable()]

    def make_on_done(self, depth):
        if depth > 4:
            return None
        return ["on_done", self.variable(), self.label(), self.callback_body(depth)]

    def make_call_soon(self, depth):
        return ["call_soon", self.label(), self.callback_body(depth)] if depth <= 4 else None

    def make_call_later(self, depth):
        if depth > 4:
            return None
        self.number += 1
        self.handles.append(f"h{self.number}")
        return ["call_later", self.handles[-1], self.rng.choice(DELAYS), self.label(),
                self.callback_body(depth)]

    def make_cancel_handle(self, depth):
        return ["cancel_handle", self.rng.choice(self.handles)] if self.handles else None

    def make_gather(self, depth):
        items = self.items(self.item)
        if self.rng.random() < 0.03:
            items = []
        return ["gather", items, self.rng.random() < 0.5] if items is not None else None

    def make_gather_start(self, depth):
        names = [g for g, k in self.gathers.items() if k >= self.level]
        if not names:
            return None
        here, name = self.level, self.rng.choice(names)
        self.level = self.levels[name]
        items = self.items(self.waitable)
        self.level = here
        return ["gather_start", name, items, self.rng.random() < 0.5] if items else None

    def make_wait(self, depth):
        items = self.items(self.waitable)
        rule = self.rng.choice(RULES)
        return ["wait", items, self.rng.choice(LIMITS), rule] if items else None

    def make_wait_for(self, depth):
        item = self.item()
        return ["wait_for", item, self.rng.choice(LIMITS)] if item else None

    def make_shield(self, depth):
        item = self.item()
        return ["shield", item] if item else None

    def make_as_completed(self, depth):
        items = self.items(self.waitable)
        return ["as_completed", items, self.rng.choice(LIMITS)] if items else None

    def make_timeout(self, depth):
        if depth > 2:
            return None
        return ["timeout", self.rng.choice(LIMITS), self.block(depth + 1, self.rng.randint(1, 3))]

    def make_reschedule(self, depth):
        return ["reschedule", self.rng.choice(LIMITS)]

    def make_taskgroup(self, depth):
        if depth > 2:
            return None
        body = [self.make_group_spawn(depth) for _ in range(self.rng.randint(0, 2))]
        return ["taskgroup", [s for s in body if s] + self.block(depth + 1, self.rng.randint(0, 2))]

    def make_set_result(self, depth):
        if not self.futures:
            return None
        return ["set_result", self.rng.choice(self.futures), self.rng.randint(0, 99)]

    def make_set_exception(self, depth):
        if not self.futures:
            return None
        return ["set_exception", self.rng.choice(self.futures), self.rng.choice(ERRORS),
                f"m{self.rng.randint(0, 9)}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--category", choices=sorted(FOCUS), help="else each in turn")
    options = parser.parse_args()
    for k in range(options.count):
        category = options.category or sorted(FOCUS)[k % len(FOCUS)]
        name = f"{category}-{options.seed}-{k}"
        writer = Writer(random.Random(name), category)
        print(json.dumps(writer.scenario(name), separators=(",", ":")))


if __name__ == "__main__":
    main()
