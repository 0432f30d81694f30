#!/usr/bin/env python3
"""Which folder of Sources/AutogradCore may use which: each only those that stand before it.

    directions.py               fails and names file, line and type where a folder uses a type of a later one
    directions.py --table       how many types each folder uses of each other one
    directions.py --self-test   plants faults in a folder of its own and fails unless each is found

It reads names, not what the compiler makes of them: a type is known by the folder of the file that
declares it. Extensions belong to the folder that they are in, and may extend what stands before. Members
it does not see: that a builder asks an opcode for its primitive and for rewrites (IR, Ops), and that `grad`
and some rules write gradients and tangents (Ops, Transforms).
"""
import collections
import pathlib
import re
import sys
import tempfile

ORDER = [
    "Types",       # shapes, tensors, scalars, and the error that everything throws
    "Kernels",     # the C kernels and LAPACK as Swift calls them, and the flag that stops them
    "IR",          # graphs and how they are built
    "Program",     # plain data: instructions and what they say; written by the planner, run by the runtime
    "Ops",         # what an operation is: its types, derivative, batch, lowering and meaning
    "Transforms",  # from graph to graph
    "Planner",     # from graph to program
    "Runtime",     # runs programs
    "Library",     # what Swift programs call
]
# These do not know each other, although one stands before the other.
APART = {("Runtime", "Planner")}

TOKEN = re.compile(r"[A-Za-z_]\w*|\.\.[.<]|[{}(.]")
# Where a comment or a literal may begin, or parentheses may count.
MARK = re.compile(r'//|/\*|(#*)("""|")|[()]')
DECLARES = {"struct", "class", "enum", "protocol", "actor", "typealias", "associatedtype"}
OWN = {"private", "fileprivate"}


def code(text):
    """The text without comments and without what string literals say; code in their interpolations stays."""
    out, i = [], 0
    # What is open: of a literal its end and its escape, of an interpolation how many parentheses.
    stack = []

    def blank(end):
        nonlocal i
        out.append(re.sub(r"[^\n]", " ", text[i:end]))
        i = end

    while i < len(text):
        if stack and isinstance(stack[-1], tuple):
            end, escape = stack[-1]
            met = re.compile(f"{re.escape(end)}|{re.escape(escape)}(.)", re.DOTALL).search(text, i)
            blank(met.end() if met else len(text))
            if met and met.group(1) is None:
                stack.pop()
            elif met and met.group(1) == "(":
                stack.append(1)
            continue
        met = MARK.search(text, i)
        start = met.start() if met else len(text)
        out.append(text[i:start])
        i = start
        if not met:
            break
        if met.group() == "//":
            end = text.find("\n", i)
            blank(end if end >= 0 else len(text))
        elif met.group() == "/*":
            depth, end = 1, i + 2
            while depth and (edge := re.compile(r"/\*|\*/").search(text, end)):
                depth, end = depth + (1 if edge.group() == "/*" else -1), edge.end()
            blank(len(text) if depth else end)
        elif met.group(2):
            stack.append((met.group(2) + met.group(1), "\\" + met.group(1)))
            blank(met.end())
        else:
            if stack:
                stack[-1] += 1 if met.group() == "(" else -1
                if stack[-1] == 0:
                    stack.pop()
            out.append(met.group())
            i = met.end()
    return "".join(out)


class File:
    """What a file declares and uses: names with the types that they stand in, from the outermost inwards."""

    def __init__(self, path, folder):
        self.path, self.folder = path, folder
        self.declared = []  # (qualified name, whether only this file sees it)
        self.used = []  # (line, scope, name with the names behind it)
        self.text = code(path.read_text())
        self.read([(match.group(), match.start()) for match in TOKEN.finditer(self.text)])

    def read(self, tokens):
        scopes = []  # of each open brace the type that it is the body of, or None
        scope = []  # of these the types
        awaited, is_own = None, False
        line, position = 1, 0
        i = 0
        while i < len(tokens):
            token, start = tokens[i]
            line += self.text.count("\n", position, start)
            position = start
            following = tokens[i + 1][0] if i + 1 < len(tokens) else ""
            before = tokens[i - 1][0] if i else ""
            if token == "{":
                scopes.append(awaited)
                scope = [name for name in scopes if name]
                awaited = None
            elif token == "}":
                del scopes[-1:]
                scope = [name for name in scopes if name]
            elif token in OWN and following != "(":
                is_own = True
            elif token in DECLARES and re.match(r"[A-Z]", following) and before != ".":
                self.declared.append((".".join(scope + [following]), is_own and not scope))
                if token not in ("typealias", "associatedtype"):
                    awaited = following
                is_own = False
                i += 1
            elif token == "extension":
                name, i = self.chain(tokens, i + 1)
                self.used.append((line, [], name))
                awaited, is_own = ".".join(name), False
            elif token in ("func", "var", "let", "init", "case", "import", "subscript"):
                is_own = False
                if token == "import":
                    i += 1
            elif re.match(r"[A-Z]", token) and before != ".":
                name, i = self.chain(tokens, i)
                self.used.append((line, scope, name))
            i += 1

    @staticmethod
    def chain(tokens, i):
        """A name and the capitalised ones behind its dots, and where the last stands."""
        name = [tokens[i][0]]
        while i + 2 < len(tokens) and tokens[i + 1][0] == "." and re.match(r"[A-Z]", tokens[i + 2][0]):
            name.append(tokens[i + 2][0])
            i += 2
        return name, i


def resolve(scope, name, known):
    """The declarations that a name goes through: the innermost scope that has it, then what is nested."""
    parts = ".".join(scope).split(".") if scope else []
    for depth in range(len(parts), -1, -1):
        first = ".".join(parts[:depth] + name[:1])
        if first in known:
            chain = [".".join(parts[:depth] + name[: count + 1]) for count in range(len(name))]
            return [link for link in chain if link in known]
    return []


def uses(root, order):
    """(file, line, type, folder of the use, folder of the type) for all uses across folders."""
    files, stray = [], []
    for path in sorted(root.rglob("*.swift")):
        folder = path.relative_to(root).parts[0]
        if folder not in order:
            stray.append(path)
        else:
            files.append(File(path, folder))
    shared = {}
    for file in files:
        for name, is_own in file.declared:
            if not is_own and (name not in shared or order.index(file.folder) < order.index(shared[name])):
                shared[name] = file.folder
    found = []
    for file in files:
        own = {name: file.folder for name, is_own in file.declared if is_own}
        # What is nested in a type that only this file sees, too.
        known = {**shared, **own}
        for line, scope, name in file.used:
            for link in resolve(scope, name, known):
                if known[link] != file.folder:
                    found.append((file.path, line, link, file.folder, known[link]))
    return found, stray


def faults(root, order=ORDER, apart=APART):
    found, stray = uses(root, order)
    result = [f"{path}: stands in no folder that scripts/directions.py knows" for path in stray]
    for path, line, name, user, owner in found:
        if order.index(owner) > order.index(user):
            result.append(f"{path}:{line}: {name} is declared in {owner}/, which comes after {user}/")
        elif (user, owner) in apart:
            result.append(f"{path}:{line}: {name} is declared in {owner}/, which {user}/ must not know")
    return result


def print_table(root):
    counts = collections.Counter()
    for _, _, name, user, owner in set((p, 0, n, u, o) for p, _, n, u, o in uses(root, ORDER)[0]):
        counts[user, owner] += 1
    print(f"{'uses of':>12}" + "".join(f"{name:>12}" for name in ORDER))
    for user in ORDER:
        cells = ("" if user == owner else counts[user, owner] or "." for owner in ORDER)
        print(f"{user:>12}" + "".join(f"{cell:>12}" for cell in cells))


# Of a folder with three files, each with what must be found of it.
PLANTED = {
    "plain": ("let x: Later? = nil", ["Early.swift:1: Later"]),
    "nested": ("\nlet x = Later.Inner.self", ["Early.swift:2: Later", "Early.swift:2: Later.Inner"]),
    "extension of what comes later": ("extension Later { var x: Int { 0 } }", ["Early.swift:1: Later"]),
    "end of a range": ("let x = 0..<Later.count, y = Early.first...Later.last", ["Early.swift:1: Later"] * 2),
    "generic": ("func f<T: Later>(_ x: [Later]) {}", ["Early.swift:1: Later"] * 2),
    "interpolated": ('let s = "Later \\(Later.self) \\("a" + "\\(1)")"', ["Early.swift:1: Later"]),
    "nested by a later extension": ("let x: Early.Added? = nil", ["Early.swift:1: Early.Added"]),
    "within an extension": ("extension Early { func f(_ x: Added) {} }", ["Early.swift:1: Early.Added"]),
    "comments and strings": ('// Later\n/* Later /* Later */ Later */ let s = "Later \\"Later" + #"Later"# + """\nLater\n"""', []),
    "a nested one of the same name": ("struct Own { struct Later {}\n  let x: Later? = nil }", []),
    "a private one of the same name": ("private struct Later {}\nprivate let x: Later? = nil", []),
    "a member of the same name": ("let x = Early.Later.self\nextension Early { enum Later {} }", []),
    "a case of the same name": ("let x: Early = .Later", []),
}


def self_test():
    failed = 0
    for title, (text, expected) in PLANTED.items():
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for folder, name, source in [
                ("A", "Early", text), ("A", "Base", "struct Early {}"),
                ("B", "Later", "struct Later { let early: Early\n struct Inner {} }\nextension Early { struct Added {} }"),
            ]:
                (root / folder).mkdir(exist_ok=True)
                (root / folder / f"{name}.swift").write_text(source)
            found = faults(root, ["A", "B"], set())
            met = [re.sub(r"^.*/(\w+\.swift:\d+: [\w.]+) is .*$", r"\1", fault) for fault in found]
            apart = faults(root, ["A", "B"], {("B", "A")})
        if met != expected or not any("must not know" in fault for fault in apart):
            print(f"directions.py finds {met} in a planted fault ({title}), not {expected}", file=sys.stderr)
            failed = 1
    return failed


def main():
    root = pathlib.Path(__file__).resolve().parent.parent / "Sources" / "AutogradCore"
    if "--self-test" in sys.argv:
        return self_test()
    if "--table" in sys.argv:
        print_table(root)
        return 0
    found = faults(root)
    for fault in found:
        print(fault.replace(f"{root.parent.parent}/", ""), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
