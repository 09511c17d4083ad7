"""What each event means, in Vietnamese: what has happened, and what has not been decided yet.

The contracts (libs/contracts) say it in English; a test holds that no event is without words.
"""

from collections.abc import Mapping

import msgspec


class Words(msgspec.Struct, frozen=True):
    """A name for lists, what has happened, and what is still open (empty where nothing is)."""

    name: str
    happened: str
    undecided: str = ""


SERVICES: Mapping[str, str] = {
    "intake": "tiếp nhận hồ sơ",
    "routing": "giải quyết hồ sơ",
    "results": "kết quả và trả kết quả",
    "notify": "tin nhắn cho người dân",
    "gateway": "cổng tích hợp",
}

EVENTS: Mapping[str, Words] = {
    "intake.dossier-received.v1": Words(
        "Đã nhận hồ sơ",
        "Hồ sơ đã được nộp và lưu lại; người nộp có giấy tiếp nhận.",
        "Hồ sơ đã đủ chưa, bộ phận một cửa có tiếp nhận giải quyết không. missing nêu giấy tờ còn phải bổ sung.",
    ),
    "intake.dossier-accepted.v1": Words(
        "Đã tiếp nhận giải quyết",
        "Bộ phận một cửa đã tiếp nhận hồ sơ vào giải quyết và hẹn ngày trả kết quả.",
        "Cơ quan nào làm bước nào (routing sẽ nói) và kết quả ra sao.",
    ),
    "intake.dossier-refused.v1": Words(
        "Từ chối tiếp nhận",
        "Bộ phận một cửa từ chối tiếp nhận hồ sơ (trạng thái quốc gia 3). Sau đó không còn gì xảy ra với hồ sơ.",
    ),
    "intake.dossier-supplemented.v1": Words(
        "Đã bổ sung hồ sơ",
        "Người nộp đã nộp giấy tờ hoặc thông tin được yêu cầu.",
        "Phần bổ sung có đạt không. complete chỉ nói không còn thiếu gì trong những thứ đã yêu cầu.",
    ),
    "intake.dossier-withdrawn.v1": Words(
        "Đã rút hồ sơ",
        "Người nộp đã rút hồ sơ (trạng thái quốc gia 7).",
        "Các bước đã bắt đầu sẽ thế nào: routing dừng vụ việc, nếu đã có.",
    ),
    "intake.dossier-corrected.v1": Words(
        "Đã sửa thông tin hồ sơ",
        "Thông tin của hồ sơ đã được sửa; fields chỉ nêu tên thông tin, không bao giờ nêu giá trị.",
        "Kết quả đã phát hành có phải thay thế không.",
    ),
    "intake.delivery-changed.v1": Words(
        "Đổi cách nhận kết quả",
        "Những kết quả này được nhận theo cách khác với lúc tiếp nhận; lựa chọn cuối cùng có hiệu lực.",
        "Kết quả đã trao hoặc đã gửi bưu chính chưa; nếu rồi thì vẫn ở nơi đó.",
    ),
    "intake.birth-reminder-due.v1": Words(
        "Đến lúc nhắc đăng ký khai sinh",
        "Gia đình có ca sinh còn thiếu giấy tờ cần được nhắc về thời hạn đăng ký khai sinh (60 ngày).",
        "Hồ sơ có được tiếp nhận không.",
    ),
    "routing.case-opened.v1": Words(
        "Đã mở vụ việc",
        "Hồ sơ đã có vụ việc với các bước phải làm.",
        "Mọi điều về nội dung.",
    ),
    "routing.step-assigned.v1": Words(
        "Đã giao bước",
        "Một bước đã sẵn sàng và nằm ở cơ quan có thẩm quyền, đến hạn lúc due_at.",
        "Cán bộ nào làm.",
    ),
    "routing.step-started.v1": Words("Đã bắt đầu bước", "Cán bộ của cơ quan đã bắt đầu làm bước này."),
    "routing.step-released.v1": Words(
        "Đã hủy nhận xử lý bước",
        "Người đã bắt đầu bước hủy nhận xử lý: bước lại nằm ở cơ quan như trước. Chưa quyết định gì.",
    ),
    "routing.step-completed.v1": Words(
        "Đã làm xong bước",
        "Cơ quan đã làm xong bước; produces là những kết quả nay được phát hành. Số liệu của kết quả (số đăng ký, "
        "số thẻ) ở lại routing.",
        "pending nêu số liệu còn đến sau, ví dụ số định danh cá nhân của trẻ.",
    ),
    "routing.step-amended.v1": Words(
        "Đã sửa kết quả của bước",
        "Số liệu kết quả của một bước đã xong được bổ sung hoặc sửa; kết quả đã phát hành từ đó được thay thế. fields "
        "chỉ nêu tên thông tin.",
    ),
    "routing.step-returned.v1": Words(
        "Đã trả lại bước",
        "Bước bị trả lại và sẽ làm lại, do không đúng thẩm quyền hoặc do kiểm tra kết quả.",
    ),
    "routing.step-refused.v1": Words(
        "Bước không được giải quyết",
        "Bước sẽ không được làm: cơ quan từ chối, hoặc dừng vì giấy tờ yêu cầu không đến. dropped là các bước phải bỏ "
        "theo.",
        "Các cơ quan khác còn làm gì.",
    ),
    "routing.supplement-requested.v1": Words(
        "Yêu cầu bổ sung",
        "Cán bộ đã yêu cầu một lần tất cả những gì còn thiếu; thời hạn tạm dừng. respond_by là lúc muộn nhất để bổ "
        "sung.",
    ),
    "routing.supplement-withdrawn.v1": Words(
        "Rút yêu cầu bổ sung",
        "Yêu cầu bổ sung do nhầm và được rút lại: không phải nộp gì cho yêu cầu đó; thời hạn chạy như chưa từng dừng.",
        "Có yêu cầu bổ sung khác không.",
    ),
    "routing.clock-paused.v1": Words(
        "Tạm dừng thời hạn", "Thời hạn giải quyết của vụ việc (hoặc của một bước) tạm dừng, vì reason."
    ),
    "routing.clock-resumed.v1": Words(
        "Thời hạn chạy tiếp",
        "Thời hạn giải quyết chạy tiếp; due_at là hạn mới, giữ nguyên thời gian còn lại.",
    ),
    "routing.deadline-near.v1": Words(
        "Sắp đến hạn",
        "Còn một ngày làm việc là đến hạn và việc chưa xong. step trống: hạn của cả hồ sơ.",
    ),
    "routing.deadline-missed.v1": Words(
        "Đã quá hạn", "Đã quá hạn và việc chưa xong. step trống: hạn của cả hồ sơ."
    ),
    "routing.appointment-moved.v1": Words(
        "Dời ngày hẹn trả",
        "Ngày hẹn trả được dời đến appointment_at; có thư xin lỗi khi do cơ quan chậm.",
    ),
    "routing.reminder-due.v1": Words(
        "Đến lúc nhắc gia đình",
        "Gia đình cần được nhắc về một thời hạn của chính họ: đăng ký cư trú, hoặc giấy tờ còn thiếu.",
    ),
    "routing.dossier-settled.v1": Words(
        "Hồ sơ đã giải quyết xong",
        "Vụ việc đã được quyết định: không cơ quan nào còn phải làm gì. outcome và status nói kết quả.",
        "Kết quả đến tay người nộp khi nào.",
    ),
    "results.result-issued.v1": Words(
        "Đã phát hành kết quả",
        "Có văn bản kết quả đã ký, tra cứu được.",
        "Kết quả đã đến tay ai chưa.",
    ),
    "results.result-dispatched.v1": Words(
        "Đã chuyển kết quả đi",
        "Bản giấy đã rời nơi phát hành đến nơi trả kết quả, hoặc đã gửi bưu chính (không có place).",
    ),
    "results.result-ready.v1": Words(
        "Kết quả chờ nhận",
        "Kết quả đã ở nơi người nộp nhận được: quầy của bệnh viện, quầy một cửa, hoặc hộp điện tử.",
    ),
    "results.result-handed-over.v1": Words(
        "Đã trao kết quả",
        "Kết quả đã đến đích, có biên nhận. receiver là quan hệ (mẹ, cha, …), không phải tên.",
    ),
    "results.result-revoked.v1": Words(
        "Đã thu hồi kết quả",
        "Kết quả đã phát hành không còn giá trị, theo quyết định có lý do; ai tra cứu đều được báo.",
    ),
    "results.result-rejected.v1": Words(
        "Không phát hành được kết quả",
        "Không phát hành được kết quả từ số liệu của bước; bước phải làm lại.",
    ),
    "results.dossier-closed.v1": Words(
        "Đã trả xong kết quả", "Mọi kết quả đã chọn đã đến đích (trạng thái quốc gia 10)."
    ),
    "notify.message-sent.v1": Words(
        "Đã gửi tin nhắn", "Nhà cung cấp đã nhận tin nhắn để gửi.", "Tin nhắn đã đến nơi chưa."
    ),
    "notify.message-delivered.v1": Words("Tin nhắn đã đến", "Tin nhắn đã đến nơi nhận."),
    "notify.message-failed.v1": Words("Tin nhắn không đến", "Tin nhắn sẽ không đến nơi nhận này, vì reason."),
}
