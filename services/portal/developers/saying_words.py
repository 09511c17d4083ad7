"""What partners may say to the city, in Vietnamese (libs/contracts/partner.py says it in English)."""

from collections.abc import Mapping

from libs.contracts.partner import HANDING_DESK, ISSUER, ISSUER_OR_DESK, STEPS_AGENCY
from services.portal.developers.event_words import Words

# Who may say what no role alone decides.
SAID_BY: Mapping[str, str] = {
    STEPS_AGENCY: "cơ quan đang giữ bước",
    ISSUER: "cơ quan phát hành giấy tờ",
    HANDING_DESK: "quầy trả giấy tờ",
    ISSUER_OR_DESK: "cơ quan phát hành, hoặc quầy trả giấy tờ",
}
SAYINGS: Mapping[str, Words] = {
    "partner.birth-declared.v1": Words(
        "Khai báo sinh", "Một em bé đã sinh và được khai báo.", "Hồ sơ có được tiếp nhận giải quyết không."
    ),
    "partner.dossier-handed-in.v1": Words(
        "Nộp hồ sơ", "Có người đã nộp hồ sơ của một thủ tục bất kỳ tại quầy.", "Hồ sơ đã đủ chưa."
    ),
    "partner.paper-attached.v1": Words(
        "Kèm giấy tờ",
        "Một giấy tờ đã được quét; data là chính tệp đó, thuộc tính component nói đó là giấy tờ nào của thủ tục.",
    ),
    "partner.supplement-handed-in.v1": Words(
        "Nộp bổ sung", "Giấy tờ hoặc thông tin được yêu cầu đã đến.", "Phần bổ sung có đạt không."
    ),
    "partner.dossier-corrected.v1": Words(
        "Sửa thông tin hồ sơ",
        "Thông tin đã khai sai; đây là thông tin đúng. Điều đã đăng ký trong lúc đó không bị đổi theo.",
    ),
    "partner.dossier-withdrawn.v1": Words("Rút hồ sơ", "Người nộp đã rút hồ sơ."),
    "partner.delivery-chosen.v1": Words(
        "Chọn lại cách nhận", "Gia đình chọn nhận kết quả theo cách khác với trước."
    ),
    "partner.stay-changed.v1": Words(
        "Đổi nơi nằm",
        "Mẹ và bé nằm ở chỗ khác hoặc ra viện vào lúc khác. Việc riêng của bệnh viện, không ai khác nghe.",
    ),
    "partner.dossier-accepted.v1": Words(
        "Tiếp nhận giải quyết",
        "Bộ phận một cửa tiếp nhận hồ sơ vào giải quyết; thời hạn bắt đầu.",
        "Mọi điều khác.",
    ),
    "partner.dossier-refused.v1": Words("Từ chối tiếp nhận", "Bộ phận một cửa không tiếp nhận hồ sơ."),
    "partner.step-started.v1": Words(
        "Bắt đầu bước", "Cơ quan đang giữ bước đã bắt đầu làm.", "Kết quả của bước."
    ),
    "partner.step-released.v1": Words(
        "Hủy nhận xử lý bước", "Bước được bắt đầu do nhầm: bước lại nằm ở cơ quan như chưa ai bắt đầu."
    ),
    "partner.step-completed.v1": Words(
        "Làm xong bước",
        "Bước đã giải quyết, với kết quả mà danh mục yêu cầu.",
        "Văn bản của kết quả đó.",
    ),
    "partner.step-amended.v1": Words(
        "Sửa kết quả của bước",
        "Số liệu kết quả của bước đã xong được bổ sung hoặc sửa; kết quả đã phát hành được thay thế.",
    ),
    "partner.step-returned.v1": Words(
        "Trả lại bước",
        "Cơ quan không có thẩm quyền với bước này.",
        "Cơ quan nào có thẩm quyền, khi không nêu.",
    ),
    "partner.return-withdrawn.v1": Words(
        "Rút lại việc trả bước", "Bước bị trả lại do nhầm, và chưa ai làm tiếp."
    ),
    "partner.step-assigned.v1": Words("Giao bước", "Bộ phận một cửa giao bước bị trả lại cho một cơ quan."),
    "partner.step-refused.v1": Words(
        "Từ chối giải quyết bước", "Bước bị từ chối, cùng những gì phụ thuộc vào bước đó."
    ),
    "partner.finding-recorded.v1": Words(
        "Ghi nhận điều quyết định thời hạn",
        "Đã thấy một điều quyết định thời hạn, ví dụ phải xác minh nơi cư trú.",
    ),
    "partner.supplement-requested.v1": Words(
        "Yêu cầu bổ sung",
        "Còn thiếu giấy tờ hoặc thông tin, nêu hết một lần; thời hạn tạm dừng đến khi bổ sung.",
    ),
    "partner.supplement-request-withdrawn.v1": Words(
        "Rút yêu cầu bổ sung", "Yêu cầu bổ sung do nhầm, và chưa ai trả lời."
    ),
    "partner.clock-paused.v1": Words(
        "Tạm dừng thời hạn", "Bước chờ bên ngoài cơ quan hành chính, hoặc chờ phí."
    ),
    "partner.clock-resumed.v1": Words("Thời hạn chạy tiếp", "Điều mà bước chờ đã đến; thời hạn chạy tiếp."),
    "partner.pause-withdrawn.v1": Words(
        "Rút lại việc tạm dừng", "Thời hạn bị dừng do nhầm, nay chạy như chưa từng dừng."
    ),
    "partner.result-dispatched.v1": Words(
        "Chuyển kết quả đi", "Bản giấy đã rời cơ quan đến nơi trả kết quả."
    ),
    "partner.result-arrived.v1": Words(
        "Kết quả đã đến quầy trả", "Bản giấy nằm ở quầy sẽ trao kết quả.", "Ai đến nhận."
    ),
    "partner.receiver-checked.v1": Words(
        "Kiểm người nhận",
        "Đã đọc thẻ tại quầy; lời trả lời nói thẻ đó là của ai trong hồ sơ. Chưa trao gì.",
    ),
    "partner.result-handed-over.v1": Words(
        "Trao kết quả", "Các kết quả của một hồ sơ đã trao cho một người, người đó đã ký nhận."
    ),
    "partner.replacement-ordered.v1": Words(
        "Yêu cầu bản thay thế",
        "Bản giấy mất, hỏng hoặc in sai; cần bản mới. Đến khi phát hành bản mới, bản này vẫn có giá trị.",
    ),
}


def words_of(type_: str) -> Words:
    """A type in words; one that is new here is called by its name."""
    return SAYINGS.get(type_, Words(type_, ""))
