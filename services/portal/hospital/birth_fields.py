"""The fields of the form of a birth: their order, which are needed, what kind each is, and words for it. Pure data."""

from collections.abc import Mapping

from services.portal.forms.dates_typed import NO_DAY
from services.portal.hospital.typed import WEIGHT_GRAMS

UNCHECKED = "Hãy đối chiếu giấy tờ và ảnh với người mẹ, rồi đánh dấu"
UNCLEAR_CLOCK = "Giờ sinh ghi giờ và phút, ví dụ 14:05"
UNCLEAR_LEAVING = "Giờ ra viện ghi giờ và phút, ví dụ 10:00"
UNCLEAR_WEIGHT = f"Cân nặng ghi bằng gam, từ {WEIGHT_GRAMS[0]} đến {WEIGHT_GRAMS[-1]}, ví dụ 3100"
# Path in the declaration → field of the form; the longest that fits counts.
PLACES: Mapping[str, str] = {
    "certificate.facility_code": "",
    "certificate.number": "gcs-so",
    "certificate.book": "gcs-quyen",
    "certificate.issued_on": "gcs-ngay",
    "mother.name": "me-ten",
    "mother.birth_date": "me-ngay-sinh",
    "mother.ethnic_code": "me-dan-toc",
    "mother.document": "me-so",
    "mother.insurance_card": "me-bhyt",
    "mother.contact": "me-dien-thoai",
    "mother.residence.address": "cu-tru",
    "mother.residence": "cu-tru-xa-ten",
    "child.sex": "gioi-tinh",
    "child.birth_time": "gio-sinh",
    "child.weight_g": "can-nang",
    "child.intended_name": "be-ten",
    "child.count": "so-con",
    "child.order": "thu-tu",
    "father.name": "cha-ten",
    "father.birth_date": "cha-ngay-sinh",
    "father": "cha-so",
    "attendants": "do-de",
    "choices.residence_to_register": "cu-tru-xa-ten",
    "card": "ly-do",
    "override_reason": "ly-do",
    "stay.room": "phong",
    "stay.bed": "giuong",
    "stay.discharge_at": "ra-vien",
}
NEEDED: Mapping[str, str] = {
    "me-so": "Chưa có số định danh hoặc số giấy tờ của mẹ",
    "me-ten": "Chưa ghi họ, chữ đệm, tên của mẹ",
    "gioi-tinh": "Chưa chọn giới tính của bé",
    "cu-tru": "Chưa ghi nơi cư trú của mẹ",
    "gcs-so": "Chưa ghi số giấy chứng sinh",
    "gcs-quyen": "Chưa ghi quyển số giấy chứng sinh",
    "do-de": "Chưa ghi họ tên người đỡ đẻ",
    "doi-chieu": UNCHECKED,
}
_NO_IDENTITY = (
    "gồm 12 chữ số (căn cước), 9 chữ số (chứng minh nhân dân), hoặc 1 chữ cái và 7 chữ số (hộ chiếu)"
)
# For the page, which says so before anything is sent: (field, kind in static/hospital/declare-checks.js, words).
KINDS = (
    ("me-so", "identity", f"Số giấy tờ của mẹ {_NO_IDENTITY}"),
    ("me-ngay-sinh", "day", f"Ngày sinh của mẹ: {NO_DAY}"),
    ("me-dien-thoai", "phone", "Điện thoại ghi đủ 10 chữ số, bắt đầu bằng 0, ví dụ 0912345678"),
    ("ra-vien", "day", f"Ngày ra viện: {NO_DAY}"),
    ("ra-vien-gio", "clock", UNCLEAR_LEAVING),
    ("ngay-sinh", "day", f"Ngày sinh của bé: {NO_DAY}"),
    ("gio-sinh", "clock", UNCLEAR_CLOCK),
    ("can-nang", "weight", UNCLEAR_WEIGHT),
    ("cha-so", "identity", f"Số giấy tờ của cha {_NO_IDENTITY}"),
    ("cha-ngay-sinh", "day", f"Ngày sinh của cha: {NO_DAY}"),
    ("gcs-ngay", "day", f"Ngày cấp giấy chứng sinh: {NO_DAY}"),
)
# The fields as they stand on the screen.
ORDER = (
    "me-so",
    "me-ten",
    "me-ngay-sinh",
    "ly-do",
    "me-dan-toc",
    "me-dien-thoai",
    "me-bhyt",
    "phong",
    "giuong",
    "ra-vien",
    "ra-vien-gio",
    "ngay-sinh",
    "gio-sinh",
    "gioi-tinh",
    "can-nang",
    "be-ten",
    "so-con",
    "thu-tu",
    "cha-so",
    "cha-ten",
    "cha-ngay-sinh",
    "cu-tru",
    "cu-tru-xa-ten",
    "gcs-so",
    "gcs-quyen",
    "gcs-ngay",
    "do-de",
    "doi-chieu",
)
