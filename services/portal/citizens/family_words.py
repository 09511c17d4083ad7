"""The words of a family's page: status, what to do, what is waited for, by national status code."""

from collections.abc import Mapping

WEEK: Mapping[str, str] = {
    "mon": "Thứ Hai",
    "tue": "Thứ Ba",
    "wed": "Thứ Tư",
    "thu": "Thứ Năm",
    "fri": "Thứ Sáu",
    "sat": "Thứ Bảy",
    "sun": "Chủ nhật",
}
SENTENCES: Mapping[int, str] = {
    1: "Hồ sơ đã nộp, đang chờ tiếp nhận.",
    2: "Hồ sơ đã được tiếp nhận và đang được giải quyết.",
    3: "Hồ sơ không được tiếp nhận hoặc không được giải quyết.",
    4: "Hồ sơ đang được giải quyết.",
    5: "Hồ sơ đang chờ ông/bà bổ sung giấy tờ.",
    6: "Hồ sơ đang chờ ông/bà nộp phí.",
    7: "Hồ sơ đã được rút theo yêu cầu.",
    8: "Hồ sơ đã dừng giải quyết.",
    9: "Hồ sơ đã giải quyết xong, có kết quả.",
    10: "Đã trả kết quả. Hồ sơ kết thúc.",
}
TO_DO: Mapping[int, str] = {
    1: "Ông/bà chưa phải làm gì. Ngày hẹn được báo khi hồ sơ được tiếp nhận.",
    2: "Ông/bà không phải làm gì. Kết quả có vào ngày hẹn hoặc sớm hơn.",
    3: "Hãy đến nơi nộp hồ sơ để nhận văn bản ghi rõ lý do và được hướng dẫn.",
    4: "Ông/bà không phải làm gì. Kết quả có vào ngày hẹn hoặc sớm hơn.",
    5: "Hãy nộp giấy tờ còn thiếu tại nơi nộp hồ sơ.",
    6: "Hãy nộp phí, lệ phí tại nơi nộp hồ sơ.",
    7: "Ông/bà không phải làm gì. Nếu không yêu cầu rút hồ sơ, hãy báo ngay cho nơi nộp hồ sơ.",
    8: "Hãy đến nơi nộp hồ sơ để nhận văn bản ghi rõ lý do và được hướng dẫn.",
    9: "Hãy mang giấy tiếp nhận và giấy tờ tùy thân đến nơi trả kết quả.",
    10: "Ông/bà không phải làm gì thêm.",
}
LACKING = "Nơi nộp đã nhận hồ sơ và chờ giấy tờ còn thiếu. Thời hạn giải quyết tính từ khi nhận đủ."
LACKING_TO_DO = "Hãy mang giấy tờ còn thiếu, ghi trên phiếu yêu cầu bổ sung, đến {where}."
STOPPED_CLOCK = "Thời hạn đang tạm dừng tính{why}; khi tính tiếp, ngày hẹn được tính lại và báo cho ông/bà."
# What a code alone is told of a wait; which step, whose and for what exactly would tell the procedure. Whose turn it is
# outside differs (a couple comes to sign, the head of a household confirms), so nobody is named.
FEE_WAIT, OUTSIDE_WAIT = "fee", "outside"
WAITS_FOR: Mapping[str, str] = {
    FEE_WAIT: "chờ thực hiện nghĩa vụ tài chính",
    OUTSIDE_WAIT: "chờ ông/bà hoặc người có liên quan thực hiện một việc",
}
# What can be done that the clock runs again, by what is waited for.
FEE_TO_DO = "Hãy thực hiện nghĩa vụ tài chính theo thông báo đã nhận; chưa rõ thì hỏi nơi nộp hồ sơ."
OUTSIDE_TO_DO = (
    "Hãy quét mã QR trên giấy tiếp nhận để xem việc ông/bà hoặc người có liên quan cần làm, "
    "hoặc hỏi nơi nộp hồ sơ."
)
# The same to who has the receipt, with and without the words of the catalogue.
NAMED_TO_DO = (
    "Việc đang chờ: {what}. Ông/bà hoặc người có liên quan hãy thực hiện; chưa rõ thì hỏi nơi nộp hồ sơ."
)
UNNAMED_TO_DO = "Hãy hỏi nơi nộp hồ sơ xem ông/bà hoặc người có liên quan cần làm gì."
STOPPED_TO_DO: Mapping[int, str] = {
    2: "Ông/bà không phải làm gì. Chúng tôi sẽ báo ngày hẹn mới.",
    4: "Ông/bà không phải làm gì. Chúng tôi sẽ báo ngày hẹn mới.",
}
HISTORY: Mapping[int, str] = {
    1: "Nộp hồ sơ",
    2: "Tiếp nhận hồ sơ",
    3: "Từ chối hồ sơ",
    4: "Bắt đầu giải quyết",
    5: "Yêu cầu bổ sung giấy tờ",
    6: "Chờ nộp phí",
    7: "Rút hồ sơ",
    8: "Dừng giải quyết",
    9: "Giải quyết xong",
    10: "Trả kết quả",
}
CHANNELS: Mapping[str, str] = {"email": "thư điện tử", "sms": "tin nhắn", "zalo": "Zalo"}
