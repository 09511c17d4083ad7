"""What became of a delivery, in words: why it was not taken, what to look at first, how to send it oneself. Pure."""

import shlex
from collections.abc import Mapping

# Attempt.error and Endpoint.state_reason → words (services.gateway.webhooks says these codes).
ERRORS: Mapping[str, str] = {
    "status": "trả lời khác 2xx",
    "redirect": "trả lời chuyển hướng",
    "timeout": "quá thời gian chờ",
    "connection-failed": "không kết nối được",
    "connection-lost": "kết nối bị ngắt",
    "tls-failed": "chứng chỉ hoặc TLS không hợp lệ",
    "answer-malformed": "trả lời không đúng HTTP",
    "name-not-resolved": "không tìm thấy máy chủ",
    "address-not-allowed": "địa chỉ không thuộc mạng công cộng",
    "scheme-not-allowed": "địa chỉ phải là https",
    "port-not-allowed": "cổng không được phép",
    "url-malformed": "địa chỉ không hợp lệ",
    "credentials-in-url": "địa chỉ chứa tên hoặc mật khẩu",
    "not-readable": "đối tác không còn được đọc sự kiện này",
    "event-gone": "sự kiện không còn được giữ",
    "exhausted": "đã gửi lại hết lịch mà không được nhận",
    "gone": "chương trình nhận trả lời 410: không nhận nữa",
}
_BY_ERROR: Mapping[str, str] = {
    "redirect": "Chuyển hướng không được theo. Hãy ghi địa chỉ cuối cùng vào Cài đặt của webhook.",
    "timeout": "Hãy trả lời 2xx ngay khi đã lưu sự kiện, trong 10 giây, rồi mới xử lý.",
    "connection-failed": "Hãy xem chương trình nhận có đang chạy, đúng cổng, và tường lửa có cho cổng tích hợp vào.",
    "connection-lost": "Kết nối bị ngắt trước khi có trả lời: hãy xem nhật ký của chương trình nhận và máy trước nó.",
    "tls-failed": "Hãy xem chứng chỉ còn hạn, đúng tên máy chủ, và máy chủ có gửi đủ chuỗi chứng chỉ trung gian.",
    "answer-malformed": "Ở cổng này có thứ trả lời mà không phải HTTP: hãy xem địa chỉ và cổng.",
    "name-not-resolved": "Tên máy chủ trong địa chỉ không có trong DNS công cộng.",
    "address-not-allowed": "Tên máy chủ dẫn vào mạng nội bộ. Mọi địa chỉ của tên phải thuộc mạng công cộng.",
    "not-readable": "Phạm vi của đối tác đã thu hẹp. Hãy liên hệ người vận hành nếu không đúng.",
}
_BY_STATUS: Mapping[int, str] = {
    400: "Chương trình nhận không đọc được nội dung, hoặc không tin chữ ký. Hãy chép yêu cầu này vào Kiểm chữ ký.",
    401: "Chương trình nhận không tin yêu cầu. Hãy chép yêu cầu này vào Kiểm chữ ký: nội dung phải là đúng các byte đã "
    "đến, khóa bí mật phải là của webhook này.",
    403: "Chương trình nhận, hoặc máy trước nó, không cho vào. Webhook không đăng nhập, nó chỉ có chữ ký.",
    404: "Máy chủ đúng, đường dẫn sai: hãy so địa chỉ với địa chỉ mà chương trình nhận phục vụ.",
    405: "Chương trình nhận phải nhận POST ở địa chỉ này.",
    410: "Chương trình nhận nói không nhận nữa, nên webhook tắt. Bật lại khi muốn nhận.",
    413: "Chương trình nhận, hoặc máy đứng trước nó, không nhận nội dung dài như vậy.",
    415: "Chương trình nhận phải nhận Content-Type application/cloudevents+json.",
    429: "Chương trình nhận bận. Retry-After của nó được tôn trọng đến một giờ.",
}
_BROKEN = "Lỗi ở chương trình nhận: nội dung trả lời, và nhật ký của nó vào giờ này, cho biết vì sao."


def advice(status: int, error: str) -> str:
    """What to look at first after such an attempt; empty after one that was taken."""
    if 200 <= status < 300:
        return ""
    if error in _BY_ERROR:
        return _BY_ERROR[error]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _BROKEN if status >= 500 else ""


def head(url: str, headers: Mapping[str, str]) -> str:
    """What stands above the body of the request, a line each: where it goes, and its headers."""
    return "\n".join([f"POST {url}", *(f"{name}: {value}" for name, value in headers.items())])


def curl(url: str, headers: Mapping[str, str], body: str) -> str:
    """The same request as a command, to send to oneself. Its signature counts for five minutes."""
    lines = [f"curl -i {shlex.quote(url)}"]
    lines += [f"  -H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    return " \\\n".join([*lines, f"  --data-binary {shlex.quote(body)}"])
