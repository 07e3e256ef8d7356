"""What is kept ready, and how much of it."""

from domain.base.kept import Kept


def test_what_was_not_used_for_longest_goes_first() -> None:
    """Looking something up is using it; what is there already is not put again."""
    kept = Kept[str](3)
    for name in "abc":
        kept.put(name, name.upper(), weight=1)
    assert kept.get("a") == "A"
    kept.put("a", "other", weight=1)
    kept.put("d", "D", weight=1)
    assert [kept.get(name) for name in "abcd"] == ["A", None, "C", "D"]
    assert (len(kept), kept.weight) == (3, 3)


def test_what_is_too_heavy_is_not_kept() -> None:
    """It would push everything else out, and itself; something heavy pushes several out."""
    kept = Kept[int](10)
    kept.put("too heavy", 0, weight=11)
    assert len(kept) == 0
    for number in range(5):
        kept.put(number, number, weight=2)
    kept.put("heavy", 9, weight=7)
    assert [kept.get(number) for number in range(5)] == [None, None, None, None, 4]
    assert kept.weight == 9


def test_what_is_dropped_is_gone() -> None:
    """Also what was never there."""
    kept = Kept[int](10)
    kept.put("a", 1, weight=4)
    kept.drop("a")
    kept.drop("a")
    assert kept.get("a") is None
    assert (len(kept), kept.weight) == (0, 0)
