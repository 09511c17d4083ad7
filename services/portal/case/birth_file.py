"""The birth declaration of a hospital as parts and boxes, under the names intake keeps it by. Pure data."""

from libs.catalogue.code_lists import code_lists
from services.portal.forms.fields import YES_NO, Box, Kind, Part
from services.portal.forms.words import HINTS

SEXES = (("1", "Nam"), ("2", "Nữ"), ("3", "Chưa xác định"))
DOCUMENTS = (("personal-id", "Căn cước"), ("old-id-card", "Chứng minh nhân dân"), ("passport", "Hộ chiếu"))
ROLES = (("mother", "Mẹ"), ("carer", "Người nuôi dưỡng"))


def _box(path: str, label: str, kind: Kind = "text", choices: tuple[tuple[str, str], ...] = ()) -> Box:
    if kind == "yes-no":
        choices = YES_NO
    elif path.endswith("ethnic_code"):
        choices = tuple(code_lists().ethnic_groups.items())
    kind = "choice" if choices and kind == "text" else kind
    return Box(
        path=path, label=label, kind=kind, choices=choices, hint=HINTS.get(path.rpartition(".")[2], "")
    )


def _person(prefix: str) -> tuple[Box, ...]:
    return (
        _box(f"{prefix}.name", "Họ, chữ đệm, tên"),
        _box(f"{prefix}.birth_date", "Ngày sinh", "day"),
        _box(f"{prefix}.document.number", "Số giấy tờ"),
        _box(f"{prefix}.document.kind", "Loại giấy tờ", choices=DOCUMENTS),
        _box(f"{prefix}.document.issued_on", "Ngày cấp", "day"),
        _box(f"{prefix}.document.issued_by", "Nơi cấp"),
        _box(f"{prefix}.ethnic_code", "Dân tộc"),
        _box(f"{prefix}.nationality_code", "Quốc tịch"),
        _box(f"{prefix}.residence.address", "Nơi cư trú"),
        _box(f"{prefix}.residence.commune_code", "Xã, phường nơi cư trú", "commune"),
        _box(f"{prefix}.contact.phone", "Điện thoại"),
        _box(f"{prefix}.contact.zalo", "Zalo"),
        _box(f"{prefix}.contact.email", "Thư điện tử"),
    )


def birth_part() -> Part:
    """The whole declaration."""
    mother = (
        *_person("mother"),
        _box("mother.role", "Quan hệ với trẻ", choices=ROLES),
        _box("mother.insurance_number", "Mã số BHXH"),
        _box("mother.insurance_card", "Số thẻ BHYT"),
    )
    groups = (
        ("child", "Trẻ em", _child()),
        ("mother", "Người mẹ", mother),
        ("father", "Người cha", _person("father")),
        ("certificate", "Giấy chứng sinh", _certificate()),
        ("choices", "Nguyện vọng của gia đình", _choices()),
    )
    return Part(
        path="",
        label="",
        required=True,
        inner=tuple(
            Part(path=path, label=label, required=path != "father", inner=inner)
            for path, label, inner in groups
        ),
    )


def _child() -> tuple[Box, ...]:
    return (
        _box("child.intended_name", "Họ tên dự định đặt"),
        _box("child.sex", "Giới tính", "whole", SEXES),
        _box("child.birth_time", "Giờ và ngày sinh", "moment"),
        _box("child.place_of_birth", "Nơi sinh"),
        _box("child.weight_g", "Cân nặng (gam)", "whole"),
        _box("child.count", "Số con trong lần sinh", "whole"),
        _box("child.order", "Thứ tự trong lần sinh", "whole"),
        _box("child.births_of_mother", "Lần sinh", "whole"),
        _box("child.living_children", "Số con hiện sống", "whole"),
        _box("child.state", "Tình trạng khi sinh"),
        _box("child.surgery", "Sinh con phải phẫu thuật", "yes-no"),
        _box("child.under_32_weeks", "Sinh con dưới 32 tuần tuổi", "yes-no"),
        _box("child.hometown", "Quê quán"),
        _box("child.ethnic_code", "Dân tộc"),
        _box("child.nationality_code", "Quốc tịch"),
        _box("child.temporary_card", "Mã thẻ BHYT tạm thời"),
        _box("child.note", "Ghi chú"),
    )


def _certificate() -> tuple[Box, ...]:
    return (
        _box("certificate.number", "Số"),
        _box("certificate.book", "Quyển số"),
        _box("certificate.gcs_code", "Mã giấy chứng sinh"),
        _box("certificate.issued_on", "Ngày cấp", "day"),
        _box("certificate.facility_code", "Cơ sở cấp", "facility"),
        _box("certificate.treatment_code", "Mã đợt điều trị"),
        _box("certificate.head_insurance_number", "Mã BHXH của người đứng đầu cơ sở"),
        _box("attendants.midwife", "Người đỡ đẻ"),
        _box("attendants.recorder", "Người ghi phiếu"),
    )


def _choices() -> tuple[Box, ...]:
    return (
        _box("choices.register_residence", "Đăng ký thường trú", "yes-no"),
        _box("choices.residence_to_register.address", "Nơi đăng ký thường trú"),
        _box("choices.residence_to_register.commune_code", "Xã, phường đăng ký thường trú", "commune"),
        _box("choices.issue_insurance_card", "Cấp thẻ BHYT", "yes-no"),
        _box("choices.first_care_facility", "Nơi khám chữa bệnh ban đầu", "facility"),
    )
