"""The public names of include/brio, read from the headers as clang-format leaves them.

`declared(root)` gives {"gather", "event_loop", "event_loop::call_soon", "io::file::read", ...}: what a program may
name, without what is private or protected, deleted, a friend, a constructor, an operator, or marked "For brio itself".
`inherited(root)` gives what public classes have from bases in a namespace detail: "queue::put".
"""
import re

ACCESS = re.compile(r"^\s*(public|protected|private)\s*:(?!:)")


def without_comments(code):
    """Comments, strings and preprocessor lines become blanks; what is brio's own is marked with @own."""
    code = re.sub(r"^[ \t]*/// For brio itself.*$", "@own", code, flags=re.MULTILINE)
    code = re.sub(r"^[ \t]*#.*(?:\\\n.*)*$", "", code, flags=re.MULTILINE)
    code = re.sub(r"\brequires\s+requires\s*\([^)]*\)\s*{[^}]*}", "", code)
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', code), flags=re.DOTALL)


def closing(code, start, pair="{}"):
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] == pair[0]) - (code[at] == pair[1])
        if depth == 0:
            return at
    raise ValueError("a bracket is not closed: " + code[start:start + 80])


def statements(code):
    """(head, body) of each declaration: the body is what its braces hold, or None."""
    at = 0
    while at < len(code):
        match = ACCESS.match(code[at:])
        if match:
            yield match[1] + ":", None
            at += match.end()
            continue
        start, body, depth = at, None, 0
        while at < len(code):
            char = code[at]
            depth += (char in "([") - (char in ")]")
            if depth == 0 and char == ";":
                break
            if depth == 0 and char == "{":
                end = closing(code, at)
                if body is None:
                    head_end, body = at, code[at + 1:end]
                at = end
                head = code[start:head_end]
                is_type = re.search(r"(^|\s|>)(class|struct|enum|union)\s[^()]*$", head)
                if not is_type and ("=" not in without_parentheses(head) or "operator" in head):
                    break
            at += 1
        head = code[start:head_end if body is not None else at]
        at += 1
        if head.strip() or body is not None:
            yield " ".join(head.split()), body


def without_templates(head):
    """Without template parameters, arguments and requires-clauses' brackets: what is between < and >."""
    previous = None
    while previous != head:
        previous, head = head, re.sub(r"<[^<>]*>", "", head)
    return head


def without_parentheses(head):
    previous, head = None, without_templates(head)
    while previous != head:
        previous, head = head, re.sub(r"\([^()]*\)", "", head)
    return head


def declared_names(head):
    """The names that a declaration introduces (fields may be several), and whether it is a type."""
    name, is_type = declared_name(head)
    plain = without_templates(head)
    if name is None or is_type or "(" in plain or re.match(r"(using|concept|template)\b", plain):
        return [name], is_type
    return [re.match(r".*?(\w+)\s*(=.*)?$", part)[1] for part in plain.split(",")], False


def declared_name(head):
    """The (last) name that a declaration introduces, and whether it is a type."""
    plain = re.sub(r"\[\[.*?\]\]", "", without_templates(head.replace("->", "")))
    plain = re.sub(r"\brequires\s*(\(.*?\)|requires)\s*", "", plain)
    match = re.search(r"\b(class|struct|union|enum class|enum)\s+([\w:]+)(?:\s+final)?(\s*:.*)?$", plain)
    if match and "(" not in plain:
        return match[2], True
    match = re.search(r"\b(?:concept|using)\s+(\w+)\s*=", plain)
    if match:
        return match[1], False
    if re.match(r"^(friend|using|extern template|static_assert|template class)\b", plain.strip()):
        return None, False
    if "(" in plain and "=" not in plain.split("(")[0]:
        match = re.search(r"([~\w:]+)\s*\($", plain[:plain.index("(") + 1])
        return (match[1] if match else None), False
    match = re.search(r"(\w+)(\s*=.*)?$", plain.split("=")[0].strip())
    return (match[1] if match else None), False


def members(code, scope, is_class, is_public=True):
    own, public = False, is_public
    for head, body in statements(code):
        if head in ("public:", "protected:", "private:"):
            public = head == "public:"
            continue
        own, head = head.startswith("@own"), head.replace("@own", "").strip()
        namespace = re.match(r"^(?:inline )?namespace ([\w: ]+)$", head)
        if namespace:
            inner = re.sub(r"\binline |\bv0\b|\bbrio\b", "", namespace[1]).strip(":").replace("::::", "::").strip(":")
            yield from members(body, scope + (inner.split("::") if inner else []), False)
            continue
        if own or not public or not head or re.search(r"\boperator\b", head) or head.endswith(("= delete", "=delete")):
            continue
        if re.match(r"^(template .*)?friend\b", head):
            continue
        names, is_type = declared_names(head)
        name = names[-1]
        if name is None or (is_class and (name.startswith("~") or name == scope[-1])):
            continue
        if "::" in name:  # defined outside its class
            if not is_type or name.startswith("std::"):
                continue
            yield from members(body or "", scope + name.split("::"), True, not head.endswith("class"))
            continue
        if name == "hash":
            continue
        if is_type and body is None and not is_class:
            continue  # forward
        if is_type and re.search(r"\benum\b", head):
            yield "::".join([*scope, name])
            for value in (body or "").split(","):
                if value.strip():
                    yield "::".join([*scope, name, re.match(r"\s*(\w+)", value)[1]])
            continue
        for one in names:
            yield "::".join([*scope, one])
        if is_type and body is not None:
            starts_public = re.search(r"\b(struct|union)\b", without_templates(head)) is not None
            yield from members(body, scope + [name], True, starts_public)


BASE = re.compile(r"\b(?:class|struct) (?:\w+::)*(\w+)(?: final)?\s*:\s*((?:public|protected|virtual|,|[\w:\s])+?)\s*{")


def read(root):
    """All names, those in a namespace detail too; and the bases of each class, without their namespaces."""
    names, bases = set(), {}
    for header in sorted((root / "include/brio").rglob("*.hpp")):
        code = without_comments(header.read_text(encoding="utf-8"))
        names.update(members(code, [], False))
        for derived, listed in BASE.findall(without_templates(code)):
            bases.setdefault(derived, []).extend(re.findall(r"(\w+)\s*(?:,|$)", listed))
    return names, bases


def is_public(name):
    return "detail" not in name.split("::")


def declared(root):
    return {name for name in read(root)[0] if is_public(name)}


def inherited(root):
    names, bases = read(root)
    of_class = {}
    for name in names:
        scope, _, member = name.rpartition("::")
        of_class.setdefault(scope.rpartition("::")[2], set()).add(member)

    def with_bases(kind, seen=()):
        above = [base for base in bases.get(kind, []) if base not in seen]
        return of_class.get(kind, set()).union(*(with_bases(base, (*seen, kind)) for base in above))

    return {f"{name}::{member}" for name in names if is_public(name) and name.rpartition("::")[2] in bases
            for member in with_bases(name.rpartition("::")[2])}
