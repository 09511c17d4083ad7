"""The operator's shell for partners: what is typed is read as it was meant."""

from services.gateway.partners.commands import _each


def test_lists_are_given_with_commas_or_several_times() -> None:
    """Both ways, and both at once; nothing empty comes of a comma too many."""
    assert _each(["results.*", "intake.*, routing.*,"]) == ["results.*", "intake.*", "routing.*"]
