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
           "InvalidStateError", "ValueError", "ExceptionGroup", "BrokenBarrierError", "QueueEmpty",
           "QueueFull", "QueueShutDown", "Exception", "Exception", "BaseException"]
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
    "lock": ["acquire", "release", "with", "locked", "cancel", "timeout"],
    "event": ["event_wait", "event_set", "event_clear", "cancel", "timeout"],
    "condition": ["condition_wait", "condition_wait_for", "notify", "notify_all", "increment", "with", "cancel"],
    "semaphore": ["acquire", "release", "with", "locked", "cancel", "timeout"],
    "barrier": ["barrier_wait", "barrier_state", "barrier_reset", "barrier_abort", "cancel"],
    "queue": ["put", "get", "put_nowait", "get_nowait", "task_done", "join", "queue_state", "shutdown", "cancel"],
    "context": ["context_set", "context_get", "call_soon", "on_done", "spawn", "gather"],
    "all": [],
}
# What the objects of a category may be; those of all others have any.
KINDS = {
    "lock": ["lock"], "event": ["event"], "condition": ["condition"], "semaphore": ["semaphore", "bounded_semaphore"],
    "barrier": ["barrier"], "queue": ["queue", "queue", "lifo_queue", "priority_queue"], "context": ["context_var"],
}
QUEUES = KINDS["queue"]
LOCKABLE = ["lock", "condition", "semaphore", "bounded_semaphore"]
WEIGHTS = {
    "log": 3, "sleep": 10, "spawn": 5, "await": 4, "call": 2, "raise": 2, "return": 1, "try": 7,
    "repeat": 1, "cancel": 4, "cancel_self": 0.5, "uncancel": 1, "cancelling": 0.7, "state": 1.5,
    "on_done": 1, "call_soon": 0.7, "call_later": 1, "cancel_handle": 0.5, "gather": 2,
    "gather_start": 1, "wait": 1.5, "wait_for": 2, "shield": 1.5, "as_completed": 1, "timeout": 2,
    "reschedule": 0.7, "taskgroup": 1.5, "group_spawn": 2, "set_result": 1, "set_exception": 0.5,
    "spawn_eager": 0.4, "reraise": 0.5,
    "acquire": 1, "release": 1, "with": 2, "locked": 0.5, "event_wait": 1.5, "event_set": 1, "event_clear": 0.5,
    "condition_wait": 1, "condition_wait_for": 0.5, "notify": 1, "notify_all": 0.5, "increment": 0.5,
    "barrier_wait": 1.5, "barrier_state": 0.5, "barrier_reset": 0.2, "barrier_abort": 0.1, "put": 1.5, "get": 1.5,
    "put_nowait": 0.7, "get_nowait": 0.5, "task_done": 0.7, "join": 0.3, "queue_state": 0.5, "shutdown": 0.1,
    "context_set": 1, "context_get": 1,
}
# What a callback's body may hold.
IMMEDIATE = ["log", "cancel", "state", "set_result", "set_exception", "spawn", "on_done",
             "call_soon", "call_later", "cancel_handle", "gather_start", "cancel_self", "release", "locked",
             "event_set", "event_clear", "notify", "notify_all", "increment", "barrier_state", "put_nowait",
             "get_nowait", "task_done", "queue_state", "shutdown", "context_set", "context_get"]


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
        kinds = KINDS.get(category, sorted({k for all_kinds in KINDS.values() for k in all_kinds}))
        self.objects = {name: self.object(rng.choice(kinds)) for name in ["A", "B", "C"][:rng.choice([0, 1, 1, 2, 3])]}
        if category in KINDS and not self.objects:
            self.objects["A"] = self.object(kinds[0])
        self.count = rng.randint(1, 5)
        self.handles, self.number = [], 0
        self.procs = {f"t{k}": rng.randint(1, self.count) for k in range(1, rng.randint(4, 14))}
        self.gathers = {f"g{k}": rng.randint(0, self.count - 1) for k in range(1, 4)}
        self.levels = {**self.procs, **{g: k + 0.5 for g, k in self.gathers.items()}}

    def scenario(self, name):
        procs = {f"p{k}": self.proc(k) for k in range(self.count, 0, -1)}
        procs["main"] = self.main()
        objects = {**{f: {"kind": "future"} for f in self.futures}, **self.objects}
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

    def object(self, kind):
        made = {"kind": kind}
        if "semaphore" in kind:
            made["value"] = self.rng.choice([1, 1, 2, 3])
        elif kind == "barrier":
            made["parties"] = self.rng.choice([2, 2, 3])
        elif kind in QUEUES:
            made["maxsize"] = self.rng.choice([0, 1, 1, 2])
        elif kind == "context_var":
            made["default"] = 0
        return made

    # -- parts
    def on(self, op, kinds, *arguments):
        """The statement `op` of an object of one of the kinds."""
        names = [name for name, made in self.objects.items() if made["kind"] in kinds]
        return [op, self.rng.choice(names), *arguments] if names else None

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

    def make_acquire(self, depth):
        return self.on("acquire", LOCKABLE)

    def make_release(self, depth):
        return self.on("release", LOCKABLE)

    def make_locked(self, depth):
        return self.on("locked", LOCKABLE)

    def make_with(self, depth):
        return self.on("with", LOCKABLE, self.block(depth + 1, self.rng.randint(1, 3))) if depth <= 2 else None

    def make_event_wait(self, depth):
        return self.on("event_wait", ["event"])

    def make_event_set(self, depth):
        return self.on("event_set", ["event"])

    def make_event_clear(self, depth):
        return self.on("event_clear", ["event"])

    def make_condition_wait(self, depth):
        return self.on("condition_wait", ["condition"])

    def make_condition_wait_for(self, depth):
        return self.on("condition_wait_for", ["condition"], "n", self.rng.randint(1, 3))

    def make_notify(self, depth):
        return self.on("notify", ["condition"], self.rng.choice([0, 1, 1, 2]))

    def make_notify_all(self, depth):
        return self.on("notify_all", ["condition"])

    def make_increment(self, depth):
        return ["increment", "n"]

    def make_barrier_wait(self, depth):
        return self.on("barrier_wait", ["barrier"])

    def make_barrier_state(self, depth):
        return self.on("barrier_state", ["barrier"])

    def make_barrier_reset(self, depth):
        return self.on("barrier_reset", ["barrier"])

    def make_barrier_abort(self, depth):
        return self.on("barrier_abort", ["barrier"])

    def make_put(self, depth):
        return self.on("put", QUEUES, self.rng.randint(0, 99))

    def make_get(self, depth):
        return self.on("get", QUEUES)

    def make_put_nowait(self, depth):
        return self.on("put_nowait", QUEUES, self.rng.randint(0, 99))

    def make_get_nowait(self, depth):
        return self.on("get_nowait", QUEUES)

    def make_task_done(self, depth):
        return self.on("task_done", QUEUES)

    def make_join(self, depth):
        return self.on("join", QUEUES)

    def make_queue_state(self, depth):
        return self.on("queue_state", QUEUES)

    def make_shutdown(self, depth):
        return self.on("shutdown", QUEUES, self.rng.random() < 0.5)

    def make_context_set(self, depth):
        return self.on("context_set", ["context_var"], self.rng.randint(1, 99))

    def make_context_get(self, depth):
        return self.on("context_get", ["context_var"])


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
