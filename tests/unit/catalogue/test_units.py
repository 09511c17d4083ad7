"""Administrative units by code and date, and their successions."""

import tracemalloc
from datetime import date
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.errors import CatalogueError
from libs.catalogue.unit_files import read_unit_files
from libs.catalogue.units import Units

UNITS = Units.load()
BEFORE, AFTER = date(2023, 6, 4), date(2026, 11, 23)
MERGER = date(2025, 7, 1)
OLD_CODES = sorted(read_unit_files().rows)


@pytest.mark.parametrize(
    ("code", "old_name", "new_code", "new_name"),
    [
        ("31340", "Phường Ngã Bảy", "31340", "Phường Ngã Bảy"),
        ("31341", "Phường Lái Hiếu", "31340", "Phường Ngã Bảy"),
        ("31343", "Phường Hiệp Thành", "31340", "Phường Ngã Bảy"),
        ("31344", "Phường Hiệp Lợi", "31411", "Phường Đại Thành"),
        ("31411", "Xã Đại Thành", "31411", "Phường Đại Thành"),
        ("31414", "Xã Tân Thành", "31411", "Phường Đại Thành"),
    ],
)
def test_each_unit_of_nga_bay_reaches_its_new_ward(
    code: str, old_name: str, new_code: str, new_name: str
) -> None:
    """A 2023 unit of Ngã Bảy is itself before the merger and its new ward afterwards."""
    assert UNITS.full_address_name(code, BEFORE) == f"{old_name}, Thành phố Ngã Bảy, Tỉnh Hậu Giang"
    for stated_on in (BEFORE, date(2025, 6, 30), None):
        resolution = UNITS.resolve(code, stated_on=stated_on, on=AFTER)
        assert resolution.outcome == "whole"
        assert resolution.unit is not None
        assert (resolution.unit.code, resolution.unit.name) == (new_code, new_name)
        assert resolution.unit.full_name == f"{new_name}, Thành phố Cần Thơ"
    earlier = UNITS.resolve(code, stated_on=BEFORE, on=date(2025, 6, 30))
    assert earlier.outcome == "current"
    assert earlier.unit == UNITS.unit(code, BEFORE)


def test_a_reused_code_names_two_units() -> None:
    """31411 is the commune Đại Thành of Hậu Giang until 30/06/2025 and a ward of Cần Thơ from 01/07/2025."""
    old, new = UNITS.unit("31411", date(2025, 6, 30)), UNITS.unit("31411", MERGER)
    assert old is not None
    assert new is not None
    assert (old.name, old.district_code, old.province_code) == ("Xã Đại Thành", "931", "93")
    assert (new.name, new.district_code, new.province_code) == ("Phường Đại Thành", None, "92")
    assert (old.valid_to, new.valid_from) == (MERGER, MERGER)


def test_an_old_code_written_after_the_merger_still_means_the_old_unit() -> None:
    """31343 written in 2026, when the code no longer exists, leads to the ward its area lies in."""
    assert UNITS.unit("31343", AFTER) is None
    unit = UNITS.resolve("31343", stated_on=date(2026, 6, 1), on=AFTER).unit
    assert unit is not None
    assert unit.code == "31340"


def test_a_split_unit_is_left_to_a_person() -> None:
    """31183 was split between two wards of Cần Thơ: both are offered, neither is chosen."""
    resolution = UNITS.resolve("31183", stated_on=BEFORE, on=AFTER)
    assert resolution.outcome == "part"
    assert resolution.unit is None
    assert [unit.code for unit in resolution.units] == ["31150", "31183"]
    assert UNITS.resolve("31183", on=AFTER).outcome == "ambiguous"
    assert UNITS.resolve("31183", stated_on=MERGER, on=AFTER).outcome == "current"


def test_a_doubtful_source_is_not_followed_blindly() -> None:
    """00235 carried another name when it ended than in the older list, so its successor is only offered."""
    resolution = UNITS.resolve("00235", stated_on=BEFORE, on=AFTER)
    assert resolution.outcome == "doubtful"
    assert resolution.unit is None
    assert len(resolution.units) == 1


@pytest.mark.parametrize("code", ["99999", "", "3134", "31340 "])
def test_an_unknown_code_is_said_to_be_unknown(code: str) -> None:
    """A code in no list has no unit and resolves to nothing."""
    assert UNITS.unit(code, AFTER) is None
    assert UNITS.resolve(code, on=AFTER).outcome == "unknown"


def test_what_was_written_before_the_first_list_is_read_by_it() -> None:
    """Nothing is said about units before 2023, but a code of 2021 is the one the list of 2023 names."""
    assert UNITS.unit("31340", date(2022, 12, 31)) is None
    early = UNITS.resolve("31340", stated_on=date(2021, 5, 4), on=AFTER)
    assert early == UNITS.resolve("31340", stated_on=date(2023, 1, 1), on=AFTER)
    assert early.outcome == "whole"


@given(st.sampled_from(OLD_CODES), st.sampled_from([BEFORE, date(2025, 6, 30), MERGER, AFTER, None]))
def test_a_resolution_stands_on_the_asked_day(code: str, stated_on: date | None) -> None:
    """Whatever is offered exists on the asked day, and only one certain unit is ever chosen."""
    resolution = UNITS.resolve(code, stated_on=stated_on, on=AFTER)
    for unit in resolution.units:
        assert UNITS.unit(unit.code, AFTER) == unit
    assert (resolution.unit is not None) == (resolution.outcome in ("current", "whole"))
    assert resolution.unit is None or len(resolution.units) == 1
    assert (resolution.outcome == "unknown") == (not resolution.units)


def test_every_new_unit_is_counted() -> None:
    """After the merger there are 34 provinces and 3,321 units, 103 of them in Cần Thơ."""
    provinces = UNITS.provinces(AFTER)
    assert len(provinces) == 34
    assert sum(len(UNITS.communes(province.code, AFTER)) for province in provinces) == 3321
    assert len(UNITS.communes("92", AFTER)) == 103
    assert len(UNITS.provinces(BEFORE)) == 63


def test_provinces_lead_to_their_successors() -> None:
    """Hậu Giang (93) and Sóc Trăng (94) went into Cần Thơ (92)."""
    for code in ("92", "93", "94"):
        province = UNITS.resolve_province(code, stated_on=BEFORE, on=AFTER)
        assert province is not None
        assert (province.code, province.name) == ("92", "Thành phố Cần Thơ")
    assert UNITS.province("93", AFTER) is None
    assert UNITS.resolve_province("99", stated_on=BEFORE, on=AFTER) is None


@pytest.mark.parametrize("text", ["Ngã Bảy", "nga bay", "  NGA   BAY ", "Nga\u0303 Ba\u0309y"])
def test_units_are_found_without_marks(text: str) -> None:
    """Search ignores case, marks, blanks and the way marks are encoded; the best name comes first."""
    assert UNITS.search(text, AFTER)[0].code == "31340"


def test_a_search_stays_within_its_province_and_day() -> None:
    """Only units of the province on that day are found, and an empty text finds nothing."""
    assert UNITS.search("tan thanh", BEFORE, province_code="93")[0].code == "31414"
    assert all(unit.province_code == "92" for unit in UNITS.search("thanh", AFTER, province_code="92"))
    assert UNITS.search("  ", AFTER) == []
    assert len(UNITS.search("xa", AFTER, limit=5)) == 5


def test_loading_is_quick_and_small() -> None:
    """Four services load the units at start: within 100 ms (best of five) and 15 MiB."""
    times = []
    for _ in range(5):
        began = process_time()
        Units.load()
        times.append(process_time() - began)
    assert min(times) < 0.1
    tracemalloc.start()
    units = Units.load()
    units.search("nga bay", AFTER)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 15 * 2**20


def test_missing_files_are_named(tmp_path: Path) -> None:
    """A folder without the files is an error of the catalogue."""
    with pytest.raises(CatalogueError, match=r"communes\.csv"):
        Units.load(tmp_path)
