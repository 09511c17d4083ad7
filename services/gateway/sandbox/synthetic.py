"""Births of people who do not exist, for the sandbox: by the rules, and to be seen at a glance as made up."""

import random
from datetime import date, timedelta
from typing import Any

from libs.catalogue.made_up_names import MadeUpNames

# No paper begins so: certificates are called by it, and identity numbers end in the range of these six digits.
CERTIFICATE_PREFIX = "THU-"
SERIAL_FIRST, SERIAL_LAST = 990_000, 999_999
# Reserved for examples (RFC 2606): no letter to it reaches anybody.
EMAIL_HOST = "vidu.example"
# Ngã Bảy since 2025-07-01; identity numbers keep the province of before.
PLACE = "phường Ngã Bảy, thành phố Cần Thơ"
PROVINCE, COMMUNE, NUMBER_PROVINCE = "92", "31340", "093"
FEMALE_19XX, FEMALE_20XX = 1, 3


def birth(
    pick: random.Random, names: MadeUpNames, *, facility: str, facility_name: str, today: date
) -> dict[str, Any]:
    """The body of POST /births of intake for one child born yesterday at `facility`."""
    yesterday = today - timedelta(days=1)
    mother_born = today - timedelta(days=pick.randrange(20 * 366, 40 * 365))
    century = FEMALE_19XX if mother_born.year < 2000 else FEMALE_20XX
    serial = pick.randint(SERIAL_FIRST, SERIAL_LAST)
    sex = pick.choice((1, 2))
    father = names.person(pick, female=False)
    given = names.person(pick, female=sex == 2).partition(" ")[2]
    return {
        "certificate": {
            "facility_code": facility,
            "number": f"{CERTIFICATE_PREFIX}{pick.randrange(10**9):09d}",
            "book": f"{CERTIFICATE_PREFIX}{yesterday.year}",
            "issued_on": yesterday.isoformat(),
        },
        "mother": {
            "name": names.person(pick, female=True),
            "birth_date": mother_born.isoformat(),
            "ethnic_code": "01",
            "document": {"number": f"{NUMBER_PROVINCE}{century}{mother_born:%y}{serial}"},
            "residence": {
                "address": f"Khu vực {pick.randrange(1, 8)}, {PLACE}",
                "province_code": PROVINCE,
                "commune_code": COMMUNE,
                "as_of": yesterday.isoformat(),
            },
            "contact": {"email": f"ca-sinh-thu-{pick.randrange(10**6):06d}@{EMAIL_HOST}"},
        },
        "child": {
            # The father's family name (BLDS 2015 Đ26 k2).
            "intended_name": f"{father.split()[0]} {given}",
            "sex": sex,
            "birth_time": f"{yesterday}T{pick.randrange(24):02d}:{pick.randrange(60):02d}:00",
            "place_of_birth": f"{facility_name}, {PLACE}",
            "weight_g": pick.randrange(2500, 4000, 50),
            "state": "Khỏe mạnh",
        },
        "father": {"name": father},
        "attendants": {"midwife": names.person(pick, female=True)},
    }
