"""Documents that nobody sends in good faith; the tests refuse each, the benchmarks measure how fast."""


def nested(levels: int) -> str:
    """Return a document of so many levels of fields."""
    return "{ " + "customer(id: 1) { merges { survivor { " * (levels // 3) + "id" + " } } }" * (levels // 3) + " }"


def chain(levels: int, *, body: str = "") -> str:
    """Return fragments that each spread the next one twice: it unfolds to two to the power of the levels."""
    fragments = [
        f"fragment F{level} on Viewer {{ {body.format(level)} ...F{level + 1} ...F{level + 1} }}"
        for level in range(levels)
    ]
    return "{ viewer { ...F0 } } " + " ".join(fragments) + f" fragment F{levels} on Viewer {{ kind }}"


def objects(levels: int) -> str:
    """Return a short document that asks for two to the power of its levels of objects, without an alias."""
    fragments = [
        f"fragment F{level} on CustomerMerge {{ survivor {{ merges {{ ...F{level + 1} }} }} "
        f"absorbed {{ merges {{ ...F{level + 1} }} }} }}"
        for level in range(levels)
    ]
    return (
        "{ customer(id: 1) { merges { ...F0 } } } "
        + " ".join(fragments)
        + f" fragment F{levels} on CustomerMerge {{ id }}"
    )


def ring(length: int) -> str:
    """Return fragments of which each spreads the next, and the last the first."""
    fragments = (f"fragment F{place} on Viewer {{ ...F{(place + 1) % length} }}" for place in range(length))
    return "{ viewer { ...F0 } } " + " ".join(fragments)


def overlapping(fragments: int, *, fields: str) -> str:
    """Return many fragments of the same fields in one place."""
    written = " ".join(f"fragment F{place} on Customer {{ {fields} }}" for place in range(fragments))
    spreads = " ".join(f"...F{place}" for place in range(fragments))
    return f"{{ customer(id: 1) {{ {spreads} }} }} {written}"


QUICK_MS = 20
SLOW_MS = 50
"""Where every character has to be read."""

DOCUMENTS: dict[str, tuple[str, int]] = {
    "depth 16": (nested(18), QUICK_MS),
    "depth 100": (nested(102), QUICK_MS),
    "depth 10,000": ("{ viewer" * 10_000 + " }" * 10_000, QUICK_MS),
    "nested inline fragments": ("{ " + "... { " * 120 + "viewer { kind }" + " }" * 120 + " }", QUICK_MS),
    "31 aliases": ("{ viewer { " + " ".join(f"a{n}: kind" for n in range(31)) + " } }", QUICK_MS),
    "1,000 aliases of a root field": (
        "{ " + " ".join(f"a{n}: viewer {{ kind }}" for n in range(600)) + " }",
        QUICK_MS,
    ),
    "aliases through fragments": (
        "{ "
        + " ".join(f"a{n}: viewer {{ ...A }}" for n in range(4))
        + " } fragment A on Viewer { "
        + " ".join(f"b{n}: kind" for n in range(8))
        + " }",
        QUICK_MS,
    ),
    "a chain of 18 fragments": (chain(18), QUICK_MS),
    "a chain of 30 fragments": (chain(30), QUICK_MS),
    "a chain of 60 fragments": (chain(60), QUICK_MS),
    "a chain of 18 fragments with aliases": (chain(18, body="a{0}: kind"), QUICK_MS),
    "a million objects through fragments": (objects(6), QUICK_MS),
    "a ring of one fragment": (ring(1), QUICK_MS),
    "a ring of 50 fragments": (ring(50), QUICK_MS),
    "51 directives": ("{ viewer { kind " + "@include(if: true) " * 51 + "} }", QUICK_MS),
    "10,000 directives": ("{ viewer { kind " + "@include(if: true) " * 10_000 + "} }", SLOW_MS),
    "10,000 unknown directives": ("{ viewer { kind " + "@a" * 10_000 + "} }", SLOW_MS),
    "11 root fields": ("{ " + "__typename " * 11 + "}", QUICK_MS),
    "5,000 equal fields": ("{ viewer { " + "kind " * 5_000 + "} }", SLOW_MS),
    "3,900 equal fields": ("{ viewer { " + "kind " * 3_900 + "} }", SLOW_MS),
    "equal fields in 60 fragments": (overlapping(60, fields=f"id {'displayName ' * 40}"), SLOW_MS),
    "100 kB of one comment": ("#" + "x" * 100_000 + "\n{ viewer { kind } }", SLOW_MS),
    "100 kB of comments": ("#x\n" * 33_000 + "{ viewer { kind } }", SLOW_MS),
    "20,000 short comments": ("#\n" * 20_000 + "{ viewer { kind } }", SLOW_MS),
    "a list of 251 items": ("{ nodes(ids: [" + "1 " * 251 + "]) { id } }", QUICK_MS),
    "3,000 unknown fields": ("{ viewer { " + " ".join(f"f{n}" for n in range(3_000)) + " } }", SLOW_MS),
    "100 sign-ins": (
        "mutation { " + " ".join(f"a{n}: sessionCreate(input: {{}}) {{ session {{ id }} }}" for n in range(30)) + " }",
        QUICK_MS,
    ),
    "pages in pages": (
        "{ customers(first: 100) { nodes { a: orders(first: 100) { nodes { id } } value { decile } } } }",
        QUICK_MS,
    ),
    "unknown types": (
        "{ viewer { " + " ".join(f"... on T{n} {{ a }}" for n in range(400)) + " } }",
        SLOW_MS,
    ),
    "variables without end": (
        "query(" + " ".join(f"$v{n}: Int" for n in range(900)) + ") { viewer { kind } }",
        SLOW_MS,
    ),
    "a great integer": ("{ customers(first: " + "9" * 5_000 + ") { totalCount } }", QUICK_MS),
}
