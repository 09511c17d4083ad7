"""What each line of a case's timeline, and each act, is called: the one table screens read from."""

from services.routing.case import GRANTED, REFUSED, STOPPED, WITHDRAWN

# What a step waits for besides the waits that the catalogue names.
FEE_WORDS = "thực hiện nghĩa vụ tài chính"
# What the state of the case tells.
HAPPENED = {
    "received": "Nộp hồ sơ",
    "accepted": "Tiếp nhận hồ sơ",
    "assigned": "Chuyển đến cơ quan giải quyết",
    "supplemented": "Nhận đủ giấy tờ bổ sung",
    "supplement-lapsed": "Hết hạn bổ sung giấy tờ",
    "apology-drafted": "Lập dự thảo văn bản xin lỗi và hẹn lại",
    "corrected": "Sửa thông tin hồ sơ",
    "settled": "Giải quyết xong hồ sơ",
    "closed": "Đã trả đủ kết quả",
}
# What officers did, as the log calls it.
DONE = {
    "start": "Bắt đầu xử lý",
    "complete": "Hoàn thành",
    "amend": "Sửa, bổ sung kết quả",
    "return": "Chuyển trả",
    "supplement-request": "Yêu cầu bổ sung",
    "refuse": "Từ chối",
    "pause": "Tạm dừng thời hạn",
    "resume": "Tiếp tục tính thời hạn",
    "finding": "Ghi kết luận",
    "assign": "Phân công",
    "sign-apology": "Ký văn bản xin lỗi và hẹn lại",
    "undo-start": "Hoàn tác bắt đầu xử lý",
    "undo-return": "Hoàn tác chuyển trả",
    "undo-pause": "Hoàn tác tạm dừng thời hạn",
    "undo-supplement-request": "Thu hồi yêu cầu bổ sung",
}
ENTRIES = {**HAPPENED, **DONE}
STEP_STATES = {
    "waiting": "Chờ bước trước",
    "assigned": "Chờ xử lý",
    "started": "Đang xử lý",
    "completed": "Đã hoàn thành",
    "returned": "Bị trả lại, chờ phân công",
    "cancelled": "Không thực hiện",
}
# How a case ended; as the reason of a `settled` line.
OUTCOMES = {
    GRANTED: "Đã giải quyết xong",
    REFUSED: "Bị từ chối giải quyết",
    STOPPED: "Dừng giải quyết",
    WITHDRAWN: "Người dân đã rút hồ sơ",
}
# Why an appointment was apologised for (the reasons our drafts give, timers.APOLOGY_REASON).
APOLOGY_REASONS = {"not-finished-in-time": "Cơ quan giải quyết chưa hoàn thành đúng hạn"}
