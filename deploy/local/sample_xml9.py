"""Made-up XML9 uploads for the demo and the tests: the same seed and day give the same bytes, nobody in them
exists.

python -m deploy.local.sample_xml9 --seed 7 --births single,twins,no-father --today 2026-11-23 > upload.xml
"""

import argparse
import base64
import functools
import random
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from libs.catalogue.made_up_names import MadeUpNames

CATALOGUE = Path(__file__).parents[2] / "catalogue"
FACILITY, HOSPITAL = "93016", "Bệnh viện đa khoa khu vực Ngã Bảy"
KINDS = ("single", "twins", "no-father")
MERGER = date(2025, 7, 1)
EARLIEST_DAYS = 3  # how long before today the earliest birth is
# (commune code, name, district code, province code, rest of the address): Ngã Bảy before and after the merger
COMMUNES_OLD = (
    ("31340", "phường Ngã Bảy", "931", "93", "thành phố Ngã Bảy, tỉnh Hậu Giang"),
    ("31341", "phường Lái Hiếu", "931", "93", "thành phố Ngã Bảy, tỉnh Hậu Giang"),
    ("31343", "phường Hiệp Thành", "931", "93", "thành phố Ngã Bảy, tỉnh Hậu Giang"),
    ("31414", "xã Tân Thành", "931", "93", "thành phố Ngã Bảy, tỉnh Hậu Giang"),
)
COMMUNES_NEW = (
    ("31340", "phường Ngã Bảy", "", "92", "thành phố Cần Thơ"),
    ("31411", "phường Đại Thành", "", "92", "thành phố Cần Thơ"),
)
ETHNIC_GROUPS = ("01",) * 8 + ("04", "05")  # Kinh, Hoa, Khơ-me: the groups of Hậu Giang (QĐ 121-TCTK/PPCĐ)
Record = dict[str, str]


@functools.cache
def _names() -> MadeUpNames:
    return MadeUpNames.load(CATALOGUE)


class Births:
    """A hospital's births seen on `today`. Each method makes the records of one delivery; numbers never
    repeat.
    """

    def __init__(self, seed: int, *, today: date, facility_code: str = FACILITY) -> None:
        self._random = random.Random(seed)  # noqa: S311  # people who do not exist need no secrecy
        self._today = today
        self._facility = facility_code
        self._number = self._random.randrange(1, 900_000)
        self._merged = today - timedelta(days=EARLIEST_DAYS) >= MERGER

    def single(self) -> list[Record]:
        """One child with both parents."""
        return [self._child(self._delivery(), self._minute(), count=1)]

    def no_father(self) -> list[Record]:
        """One child whose father is not named."""
        return [self._child(self._delivery() | {"HO_TEN_CHA": ""}, self._minute(), count=1)]

    def twins(self) -> list[Record]:
        """Two children of one mother, the second some minutes after the first."""
        delivery, first = self._delivery(), self._minute()
        second = first + timedelta(minutes=self._random.randrange(1, 20))
        return [self._child(delivery, minute, count=2) for minute in (first, second)]

    def of(self, kind: str) -> list[Record]:
        """The delivery named by one of KINDS."""
        return {"single": self.single, "twins": self.twins, "no-father": self.no_father}[kind]()

    def _person(self, female: bool) -> str:
        return _names().person(self._random, female=female)

    def _digits(self, count: int) -> str:
        return str(self._random.randrange(1, 10)) + "".join(self._random.choices("0123456789", k=count - 1))

    def _scattered(self) -> int:
        """Six digits that look random and repeat only after a million children (7919 is prime)."""
        return (self._number + 1) * 7919 % 1_000_000

    def _minute(self) -> datetime:
        """Some minute of the two days before yesterday, so that twins are never in the future."""
        start = datetime.combine(self._today - timedelta(days=EARLIEST_DAYS), time())
        return start + timedelta(minutes=self._random.randrange(2 * 24 * 60))

    def _delivery(self) -> Record:
        """Everything about the mother and her stay."""
        pick = self._random
        born = self._today - timedelta(days=pick.randrange(19 * 366, 41 * 365))
        code, commune, district, province, above = pick.choice(COMMUNES_NEW if self._merged else COMMUNES_OLD)
        century = "1" if born.year < 2000 else "3"  # female, born in 19xx or 20xx
        births = pick.choices((1, 2, 3), (5, 4, 1))[0]
        return {
            "MA_LK": f"{self._facility}{self._today:%y}{self._digits(8)}",
            "MA_BHXH_NND": self._digits(10),
            "MA_THE_NND": f"GD4{province}{self._digits(10)}",
            "HO_TEN_NND": self._person(female=True),
            "NGAYSINH_NND": f"{born:%Y%m%d}",
            "MA_DANTOC_NND": pick.choice(ETHNIC_GROUPS),
            "SO_CCCD_NND": f"093{century}{born:%y}{self._scattered():06d}",
            "NGAYCAP_CCCD_NND": f"{self._today - timedelta(days=pick.randrange(100, 1500)):%Y%m%d}",
            "NOICAP_CCCD_NND": "Cục Cảnh sát quản lý hành chính về trật tự xã hội",
            "NOI_CU_TRU_NND": f"Khu vực {pick.randrange(1, 8)}, {commune}, {above}",
            "MA_QUOCTICH": "000",
            "MATINH_CU_TRU": province,
            "MAHUYEN_CU_TRU": district,
            "MAXA_CU_TRU": code,
            "HO_TEN_CHA": self._person(female=False),
            "LAN_SINH": str(births),
            "NGUOI_DO_DE": self._person(female=True),
            "NGUOI_GHI_PHIEU": self._person(female=True),
            "MA_TTDV": self._digits(10),
            "surgery": str(int(pick.random() < 0.35)),
        }

    def _child(self, delivery: Mapping[str, str], minute: datetime, *, count: int) -> Record:
        pick = self._random
        self._number += 1
        sex = pick.choice(("1", "2"))
        place = "phường Ngã Bảy, thành phố Cần Thơ" if self._merged else "thành phố Ngã Bảy, tỉnh Hậu Giang"
        record = dict(delivery)
        surgery = record.pop("surgery")
        # The father's family name, the mother's where he is not named (BLDS 2015 Đ26 k2).
        family = (record["HO_TEN_CHA"] or record["HO_TEN_NND"]).split()[0]
        given = self._person(female=sex == "2").partition(" ")[2]
        return record | {
            "MA_THE_TAM": f"TE1{record['MATINH_CU_TRU']}{self._digits(10)}",
            "HO_TEN_CON": f"{family} {given}",
            "GIOI_TINH_CON": sex,
            "SO_CON": str(count),
            "SO_CON_SONG": str(int(record["LAN_SINH"]) - 1 + count),
            "CAN_NANG_CON": str(pick.randrange(1800 if count > 1 else 2500, 4000, 50)),
            "NGAY_SINH_CON": f"{minute:%Y%m%d%H%M}",
            "NOI_SINH_CON": f"{HOSPITAL}, {place}",
            "TINH_TRANG_CON": "Khỏe mạnh",
            "SINHCON_PHAUTHUAT": surgery,
            "SINHCON_DUOI32TUAN": "0",
            "GHI_CHU": "Sinh con phải phẫu thuật" if surgery == "1" else "",
            "NGAY_CT": f"{minute + timedelta(days=1):%Y%m%d}",
            "SO": f"{self._number:06d}",
            "QUYEN_SO": f"01/{minute.year}",
            "DU_PHONG": "",
        }


# Bảng 9 in its order. The parser has its own table, so that a slip in one of them shows.
TAGS = (
    "MA_LK", "MA_BHXH_NND", "MA_THE_NND", "HO_TEN_NND", "NGAYSINH_NND", "MA_DANTOC_NND", "SO_CCCD_NND",
    "NGAYCAP_CCCD_NND", "NOICAP_CCCD_NND", "NOI_CU_TRU_NND", "MA_QUOCTICH", "MATINH_CU_TRU",
    "MAHUYEN_CU_TRU", "MAXA_CU_TRU", "HO_TEN_CHA", "MA_THE_TAM", "HO_TEN_CON", "GIOI_TINH_CON", "SO_CON",
    "LAN_SINH", "SO_CON_SONG", "CAN_NANG_CON", "NGAY_SINH_CON", "NOI_SINH_CON", "TINH_TRANG_CON",
    "SINHCON_PHAUTHUAT", "SINHCON_DUOI32TUAN", "GHI_CHU", "NGUOI_DO_DE", "NGUOI_GHI_PHIEU", "NGAY_CT", "SO",
    "QUYEN_SO", "MA_TTDV", "DU_PHONG",
)  # fmt: skip


def inner_file(records: Sequence[Mapping[str, str]]) -> bytes:
    """The bare XML9 file of some records: known tags in the order of Bảng 9, then any others."""
    blocks = []
    for record in records:
        tags = [tag for tag in TAGS if tag in record] + [tag for tag in record if tag not in TAGS]
        fields = "".join(f"<{tag}>{escape(record[tag])}</{tag}>" for tag in tags)
        blocks.append(f"<DU_LIEU_GIAY_CHUNG_SINH>{fields}</DU_LIEU_GIAY_CHUNG_SINH>")
    body = f"<DSACH_GIAYCHUNGSINH>{''.join(blocks)}</DSACH_GIAYCHUNGSINH>"
    root = "CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>{body}</{root}>'.encode()


def envelope(
    hosos: Sequence[Sequence[Mapping[str, str]] | bytes],
    *,
    made_on: date,
    facility_code: str = FACILITY,
    announced: int | None = None,
) -> bytes:
    """The QĐ 4750 envelope. Each HOSO has an XML1 and an XML9; a HOSO may be given as the bytes of its XML9
    file.
    """
    files = [content if isinstance(content, bytes) else inner_file(content) for content in hosos]
    other = base64.b64encode(b"<TONG_HOP/>").decode()
    blocks = "".join(
        f"<HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>{other}</NOIDUNGFILE></FILEHOSO>"
        f"<FILEHOSO><LOAIHOSO>XML9</LOAIHOSO><NOIDUNGFILE>{base64.b64encode(file).decode()}</NOIDUNGFILE></FILEHOSO></HOSO>"
        for file in files
    )
    count = len(files) if announced is None else announced
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS>'
        f"<THONGTINDONVI><MACSKCB>{facility_code}</MACSKCB></THONGTINDONVI>"
        f"<THONGTINHOSO><NGAYLAP>{made_on:%Y%m%d}</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO>"
        f"<DANHSACHHOSO>{blocks}</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>"
    ).encode()


def sample_upload(
    seed: int,
    *,
    today: date,
    births: Sequence[str] = ("single", "twins", "no-father"),
    facility_code: str = FACILITY,
) -> bytes:
    """An envelope with one HOSO per delivery; the default is the day in the city: four births in three
    deliveries.
    """
    maker = Births(seed, today=today, facility_code=facility_code)
    return envelope([maker.of(kind) for kind in births], made_on=today, facility_code=facility_code)


def main() -> None:
    """Write an upload to standard output."""
    parser = argparse.ArgumentParser(description="Made-up XML9 upload")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--births", default="single,twins,no-father", help=f"comma-separated: {', '.join(KINDS)}"
    )
    parser.add_argument(
        "--today", type=date.fromisoformat, required=True, help="births lie in the days before it"
    )
    parser.add_argument("--facility", default=FACILITY)
    options = parser.parse_args()
    births = options.births.split(",")
    if unknown := set(births) - set(KINDS):
        parser.error(f"unknown kinds of birth: {', '.join(sorted(unknown))}")
    data = sample_upload(options.seed, today=options.today, births=births, facility_code=options.facility)
    sys.stdout.buffer.write(data)


if __name__ == "__main__":
    main()
