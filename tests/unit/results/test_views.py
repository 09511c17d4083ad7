"""What results answers with."""

from pathlib import Path

from libs.catalogue import Catalogue
from services.results.views import agency_name

CATALOGUE = Catalogue.load(Path(__file__).parents[3] / "catalogue")


def test_an_agency_the_catalogue_lacks_is_called_by_its_code() -> None:
    """A paper outlives its agency: whoever verifies it years later still gets an answer."""
    assert agency_name(CATALOGUE, "civil-status-nowhere") == "civil-status-nowhere"
    assert agency_name(CATALOGUE, "civil-status-31340-2025") != "civil-status-31340-2025"
