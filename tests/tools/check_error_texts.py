#!/usr/bin/env python3
"""check_error_texts.py [ROOT]: docs/errors.md and the sources must have the same texts, and a test each.

The texts of the sources are what a `throw` or a report to the exception handler is made of. What is put in when
it happens is a * here, and a <word> in the document. For texts that begin with the name of the call, the table
must name exactly the calls that reach the throw: names are followed through every function that has a parameter
`const char* call` (or `what`).
"""
import collections
import itertools
import pathlib
import re
import sys

STRING = r'"((?:[^"\\]|\\.)*)"'
# What no test can bring about in a known way: the system has to run out of something.
UNPROVOKED = "std::system_error"
PARAMETER = r"const char\* (?:call|what)\b(?!\()"
# Calls that never come as far as this text, because an earlier check has another one for them.
NEVER = {
    "* needs a running loop on this thread: brio::run": {"wait", "wait_for"},
    "*: the loop is closed": {
        "runner::close", "remove_reader", "remove_writer", "remove_signal_handler", "run_in_executor", "to_thread",
    },
    "*: the loop belongs to another thread": {"run_in_executor", "to_thread"},
}


class Text(collections.namedtuple("Text", "pattern kind place calls")):
    """`calls` is empty when the text does not begin with the call's name."""


# ------------------------------------------------------------------------------------------- reading C++

def without_comments(code):
    """Comments become blanks, so that places stay the same."""
    blank = lambda m: m[0] if m[0][0] == '"' else re.sub(r"[^\n]", " ", m[0])
    return re.sub(STRING + r"|//[^\n]*|/\*.*?\*/", blank, code, flags=re.DOTALL)


def closing(code, start):
    """The place of the bracket that closes the one at `start`."""
    depth = 0
    for part in re.finditer(STRING + r"|'(?:[^'\\]|\\.)'|[][(){}]", code[start:]):
        if part[0] in "([{":
            depth += 1
        elif part[0] in ")]}":
            depth -= 1
            if depth == 0:
                return start + part.start()
    raise ValueError("a bracket is not closed: " + code[start:start + 60])


def split(expression, separators):
    """At the separators outside brackets and strings."""
    pieces, depth, last = [], 0, 0
    for part in re.finditer(STRING + r"|'(?:[^'\\]|\\.)'|::|[][(){},+?:]", expression):
        depth += (part[0] in "([{") - (part[0] in ")]}")
        if depth == 0 and part[0] in separators:
            pieces.append(expression[last:part.start()])
            last = part.end()
    return [*pieces, expression[last:]]


def unescaped(literal):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], literal)


def readings(expression, meaning):
    """What a string expression may give: texts with a * for each part that is put in; <call> for `call`.
    `meaning` gives the expression behind a variable, or None."""
    expression = expression.strip()
    wrapped = re.fullmatch(r"(?:std::string)?\((.*)\)", expression, re.DOTALL)
    if wrapped and closing(expression, expression.index("(")) == len(expression) - 1:
        return readings(wrapped[1], meaning)
    terms = split(expression, "+")
    if len(terms) > 1:
        return ["".join(each) for each in itertools.product(*(readings(t, meaning) for t in terms))]
    choices = split(expression, "?:")
    if len(choices) == 3:
        return readings(choices[1], meaning) + readings(choices[2], meaning)
    literals = re.findall(STRING, expression)
    if literals and not re.sub(STRING, "", expression).strip():
        return [unescaped("".join(literals))]
    meant = meaning(expression)
    if meant is not None and re.search(STRING, meant):
        return readings(meant, meaning)
    return ["<call>"] if expression == "call" else ["*"]


def messages(code, arguments, place):
    """The readings of that argument which is the message."""
    def meaning(name):
        made = r'std::string %s =((?:%s|[^;"])*);' % (re.escape(name), STRING)
        found = [m[1] for m in re.finditer(made, code[:place])]
        return found[-1] if found else None

    all_readings = (readings(argument, meaning) for argument in split(arguments, ","))
    return next((r for r in all_readings if re.search("[a-z]", r[0]) or "<call>" in r[0]), [])


class Source:
    def __init__(self, path, root):
        self.name = str(path.relative_to(root))
        self.code = without_comments(path.read_text(encoding="utf-8"))

    def place(self, at):
        return f"{self.name}:{self.code.count(chr(10), 0, at) + 1}"

    def functions(self):
        """(name, begin and end of the body) of each definition that has a parameter for the call's name."""
        for head in re.finditer(r"\b(\w+)\((?:[^;{}()]*,)?\s*" + PARAMETER, self.code):
            end = closing(self.code, head.end(1))
            opening = re.match(r"[^;{]*\{", self.code[end:])
            if opening is not None:
                begin = end + opening.end() - 1
                yield head[1], begin, closing(self.code, begin)

    def texts(self):
        """(pattern, kind, place in the code) of each throw and report."""
        for thrown in re.finditer(r"\bthrow\s+(?:testing::)?([\w:]+)\(", self.code):
            end = closing(self.code, thrown.end() - 1)
            for pattern in messages(self.code, self.code[thrown.end():end], thrown.start()):
                yield pattern, thrown[1], thrown.start()
        for told in re.finditer(r"\b(?:report(?:_by_default)?|call_exception_handler)\(\s*\{", self.code):
            end = closing(self.code, told.end() - 1)
            for pattern in messages(self.code, self.code[told.end():end], told.start()):
                yield pattern, "report", told.start()
        for last in re.finditer(r"\brefuse_to_start\((?!const)", self.code):
            end = closing(self.code, last.end() - 1)
            for pattern in messages(self.code, self.code[last.end():end], last.start()):
                yield pattern, "exit 127", last.start()


# -------------------------------------------------------------------------------- which calls reach a text

class Calls:
    """Through which functions the name of a call goes, from where it is a literal to where it is thrown."""

    def __init__(self, sources):
        self.bodies = collections.defaultdict(list)  # function -> (source, begin, end)
        for source in sources:
            for name, begin, end in source.functions():
                self.bodies[self.key(source, name)].append((source, begin, end))
        self.names = collections.defaultdict(set)
        passed_on = collections.defaultdict(set)
        for source in sources:
            for invoked in re.finditer(r"\b(\w+)\(", source.code):
                key = self.resolve(source, invoked[1])
                if key is None:
                    continue
                arguments = source.code[invoked.end():closing(source.code, invoked.end() - 1)]
                for argument in map(str.strip, split(arguments, ",")):
                    if re.fullmatch(STRING, argument) and self.is_public(source, argument[1:-1], sources):
                        self.names[key].add(argument[1:-1])
                    elif argument in ("call", "what") and (outer := self.around(source, invoked.start())):
                        passed_on[outer].add(key)
        self.hand_on(passed_on)

    @staticmethod
    def key(source, name):
        """Some files have functions of their own with the same name."""
        return (source.name if name in ("required", "run") else "", name)

    @staticmethod
    def is_public(source, name, sources):
        """io/ops has more than the public API calls; the libc layer asks for a fiber first, and throws nothing."""
        if source.name == "io/ops/ops.cpp":
            users = [s.code for s in sources if s.name.startswith(("io/net/", "io/file/"))]
            return any(f"ops::{name}(" in code for code in users)
        return name != "" and not source.name.startswith("io/posix/")

    def resolve(self, source, name):
        key = self.key(source, name)
        return key if key in self.bodies else None

    def around(self, source, at):
        inside = [key for key, bodies in self.bodies.items()
                  for where, begin, end in bodies if where is source and begin < at < end]
        return inside[0] if inside else None

    def hand_on(self, passed_on):
        changed = True
        while changed:
            changed = False
            for outer, inner in ((o, i) for o, all_inner in passed_on.items() for i in all_inner):
                if not self.names[outer] <= self.names[inner]:
                    self.names[inner] |= self.names[outer]
                    changed = True

    def reaching(self, source, at):
        return self.names[self.around(source, at)]


def texts_of_sources(root):
    paths = sorted(p for top in ("include", "lib", "io") for p in (root / top).rglob("*.[ch]pp"))
    sources = [Source(p, root) for p in paths if p.stem != "scripted_reactor"]
    calls = Calls(sources)
    for source in sources:
        for pattern, kind, at in source.texts():
            names = calls.reaching(source, at) if pattern.startswith("<call>") else set()
            pattern = pattern.replace("<call>", "*")
            yield Text(pattern, kind, source.place(at), frozenset(names - NEVER.get(pattern, set())))


# ------------------------------------------------------------------------------------- the other two sides

def texts_of_document(root):
    """The rows of the tables: text, type, calls or when, remedy."""
    section = None
    for number, line in enumerate((root / "docs/errors.md").read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            section = line[3:]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        text = re.fullmatch(r"`(.+)`", cells[0])
        if line.startswith("| `") and section in ("Texts", "Reports"):
            calls = re.findall(r"`([^`]+)`", cells[2]) if text[1].startswith("<call>") else []
            place = f"docs/errors.md:{number}"
            yield Text(re.sub(r"<[a-z]+>", "*", text[1]), cells[1].strip("`"), place, frozenset(calls))


def literals_of_tests(root):
    for path in (root / "tests").rglob("*.cpp"):
        code = without_comments(path.read_text(encoding="utf-8"))
        for run in re.finditer(r'(?:"(?:[^"\\]|\\.)*"\s*)+', code):
            yield unescaped("".join(re.findall(STRING, run[0])))


def is_tested(pattern, tests):
    """In one literal; or, where a test looks for parts of a long text, each part in one."""
    fixed = [part for part in pattern.split("*") if part]
    in_one = re.search(".*".join(map(re.escape, fixed)), tests)
    return in_one or (len(pattern) > 150 and all(part in tests for part in fixed))


def complaints(root):
    in_sources, in_document = {}, {}
    for text in texts_of_sources(root):
        if re.search("[a-z]", text.pattern) or text.calls:
            known = in_sources.setdefault(text.pattern, text)
            in_sources[text.pattern] = known._replace(calls=known.calls | text.calls)
    for text in texts_of_document(root):
        if text.pattern in in_document:
            yield f"{text.place}: `{text.pattern}` is listed twice"
        in_document[text.pattern] = text
    tests = "\n".join(literals_of_tests(root))
    for pattern, text in in_sources.items():
        if pattern not in in_document:
            yield f"{text.place}: docs/errors.md does not have `{pattern}`"
            continue
        listed = in_document[pattern]
        if text.kind != listed.kind:
            yield f"{listed.place}: `{pattern}` is a {text.kind}, not a {listed.kind}"
        for call in sorted(text.calls ^ listed.calls):
            yield f"{listed.place}: `{call}` {'is missing' if call in text.calls else 'does not throw'} `{pattern}`"
        if text.kind != UNPROVOKED and not is_tested(pattern, tests):
            yield f"{text.place}: no test has `{pattern}`"
    for pattern, text in in_document.items():
        if pattern not in in_sources:
            yield f"{text.place}: nothing in the sources is `{pattern}`"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    found = list(complaints(root))
    print("\n".join(found) or "docs/errors.md has the texts of the sources, and a test has each")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
