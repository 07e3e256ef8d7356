"""Personal data in part: enough to tell people apart, too little to know who they are or to reach them."""

_SHOWN = 2
"""Characters that stay of a number or an address."""


def mask_name(name: str) -> str:
    """Return the first word and the initials of the others: `Anna Maria Rossi` is `Anna M. R.`.

    What is no name but stands in for one, an address or a number, is masked as that.
    """
    if "@" in name:
        return mask_email(name)
    if name.startswith("+"):
        return mask_number(name)
    first, *others = name.split()
    return " ".join([first, *(f"{other[0]}." for other in others)])


def mask_family_name(name: str) -> str:
    """Return the initials: `De Rossi` is `D. R.`."""
    return " ".join(f"{word[0]}." for word in name.split())


def mask_email(address: str) -> str:
    """Return the first letter and the end of the domain: `anna@example.org` is `a…@….org`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@….{domain.rpartition('.')[2]}"


def mask_number(number: str) -> str:
    """Return the last two characters: `+390669812345` is `…45`."""
    return f"…{number[-_SHOWN:]}" if len(number) > _SHOWN else "…"


def mask_address(text: str) -> str:
    """Return an id that the shop gave; one that is an address or a number of theirs is masked as that."""
    if "@" in text:
        return mask_email(text)
    return mask_number(text) if text.startswith("+") else text


def mask_value(value: str) -> str:
    """Return what is left of a sign by which somebody is recognised, whatever sort it is."""
    return mask_email(value) if "@" in value else mask_number(value)
