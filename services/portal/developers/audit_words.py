"""What stands in a partner's audit, in Vietnamese: what was done, and how events and the city's answers were read.

The gateway gives codes; a test holds that none is without words.
"""

from collections.abc import Mapping

DEEDS: Mapping[str, str] = {
    "added": "Đăng ký đối tác",
    "scope-changed": "Đổi phạm vi được đọc",
    "key-added": "Thêm khóa",
    "key-retired": "Ngừng dùng khóa",
    "suspended": "Tạm ngừng đối tác",
    "resumed": "Cho đối tác hoạt động lại",
    "revoked": "Thu hồi đối tác",
    "token-given": "Cấp token",
    "token-refused": "Từ chối cấp token",
    "sandbox-birth": "Tạo ca sinh thử",
    "webhook-added": "Thêm webhook",
    "webhook-changed": "Sửa webhook",
    "webhook-removed": "Xóa webhook",
    "webhook-secret-rotated": "Đổi khóa bí mật của webhook",
    "webhook-tested": "Gửi sự kiện thử",
    "webhook-resent": "Gửi lại một sự kiện",
    "webhook-recovered": "Gửi lại những lần lỗi",
    "webhook-replayed": "Gửi những sự kiện chưa từng gửi",
    "webhook-active": "Webhook nhận lại được",
    "webhook-failing": "Webhook bắt đầu lỗi",
    "webhook-disabled": "Webhook bị tắt",
    "webhook-told": "Báo cho người liên hệ rằng webhook đã bị tắt",
    "webhook-not-told": "Không báo được cho người liên hệ rằng webhook đã bị tắt",
    "contact-changed": "Đổi người liên hệ",
    "webhook-event-given-up": "Dừng gửi một sự kiện sau mọi lần thử",
    "nats-on": "Cho nhận qua NATS",
    "nats-off": "Ngừng cho nhận qua NATS",
    "nats-key-added": "Thêm khóa NATS",
    "nats-key-retired": "Ngừng dùng khóa NATS",
    "nats-admitted": "Cho kết nối NATS",
    "nats-refused": "Từ chối kết nối NATS",
}
WAYS: Mapping[str, str] = {"batch": "từng lượt", "stream": "dòng liên tục", "nats": "qua NATS"}
LOOK_UPS: Mapping[str, str] = {
    "dossiers": "danh sách hồ sơ",
    "dossier": "hồ sơ",
    "receipt": "giấy tiếp nhận",
    "paper-facts": "nội dung in trên giấy tờ",
    "attachment": "tệp kèm hồ sơ",
    "bedside": "các ca sinh của bệnh viện",
    "bedside-one": "một ca sinh",
    "upload": "báo cáo về tệp XML9",
    "steps": "các bước của cơ quan",
    "case": "vụ việc",
    "case-desk": "việc được làm lúc này",
    "refusals": "lý do từ chối",
    "family": "điều báo cho gia đình",
    "outcome": "kết quả bước đã nhập",
    "queues": "các danh sách việc",
    "queue": "một danh sách việc",
    "results": "giấy tờ tại quầy",
    "dossier-results": "kết quả của hồ sơ",
    "custody": "quá trình giữ giấy tờ",
    "whereabouts": "nơi nhận giấy tờ",
    "document": "bản ký của kết quả",
    "hand-over-receipt": "biên nhận trao kết quả",
}


def way_words(way: str) -> str:
    """How something was read, and by which person of the partner if it was one."""
    kind, _, who = way.partition(" ")
    words = WAYS.get(kind) or (f"tra cứu: {LOOK_UPS[kind]}" if kind in LOOK_UPS else kind)
    return f"{words}, {who}" if who else words
