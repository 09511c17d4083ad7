"""Why somebody is not let in: problems in words for staff, which tell a stranger nothing."""

from libs.http.problems import FieldError, Problem
from services.identity import passwords

_WORDS = {
    passwords.TOO_SHORT: f"Mật khẩu phải có ít nhất {passwords.LENGTH_MIN} ký tự.",
    passwords.TOO_LONG: f"Mật khẩu dài nhất {passwords.LENGTH_MAX} ký tự.",
    passwords.IS_OBVIOUS: "Mật khẩu này quá dễ đoán, hãy chọn mật khẩu khác.",
    passwords.HAS_LOGIN: "Mật khẩu không được chứa tên đăng nhập.",
    passwords.IS_OLD: "Mật khẩu mới phải khác mật khẩu cũ.",
}


def wrong_credentials() -> Problem:
    """The same for a login nobody has, a wrong password and a disabled account."""
    return Problem(401, "wrong-credentials", "Tên đăng nhập hoặc mật khẩu không đúng")


def wrong_code() -> Problem:
    """Not a code of now, or one that was used."""
    return Problem(
        401,
        "wrong-code",
        "Mã xác thực không đúng",
        "Hãy chờ ứng dụng hiện mã mới rồi nhập lại. Mỗi mã chỉ dùng được một lần.",
    )


def locked(seconds: int) -> Problem:
    """Too many failures; says when to come back."""
    minutes = -(-seconds // 60)
    return Problem(
        429,
        "locked",
        "Đã nhập sai quá nhiều lần",
        f"Vui lòng thử lại sau {minutes} phút." if seconds > 60 else f"Vui lòng thử lại sau {seconds} giây.",
        headers={"Retry-After": str(seconds)},
    )


def session_ended() -> Problem:
    """The person must sign in again, or finish signing in."""
    return Problem(401, "session-ended", "Phiên làm việc đã hết hạn", "Vui lòng đăng nhập lại.")


def bad_password(code: str) -> Problem:
    """A new password that may not be one, by the code of passwords.why_not."""
    return Problem(
        422, "password-refused", "Mật khẩu chưa đạt yêu cầu", errors=[FieldError("new", code, _WORDS[code])]
    )


def no_account() -> Problem:
    """The provider knows the person, we do not."""
    return Problem(
        403,
        "no-account",
        "Chưa có tài khoản cán bộ",
        "Hãy liên hệ người quản trị tài khoản của đơn vị để được cấp tài khoản.",
    )


def sign_in_again() -> Problem:
    """A sign-in at the provider that is unknown, too old, or was used before."""
    return Problem(
        400, "openid-request-unknown", "Lần đăng nhập này không còn hiệu lực", "Vui lòng đăng nhập lại."
    )
