"""The live view of the day, for a terminal (rich) and for a log (plain lines)."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy.local.city import City
from deploy.local.day import Day, Expectation
from deploy.local.partners import HOSPITAL_PARTNER

_COLOURS = {1: "cyan", 2: "cyan", 4: "yellow", 5: "magenta", 7: "red", 8: "red", 9: "green", 10: "bold green"}
_STATES = {
    "pending": "đang in",
    "issued": "đã phát hành",
    "dispatched": "đang chuyển",
    "ready": "chờ trao",
    "handed-over": "đã trao",
    "superseded": "đã thay thế",
    "revoked": "đã thu hồi",
}
_NEWS_MAX = 6


def picture(city: City, day: Day, names: Mapping[str, str], *, moving: bool) -> Group:
    """The whole screen: dossiers, news, services. `names` are those of results and agencies by code.

    While it is `moving` a dossier has one line, so that the day fits on a screen of 24 lines.
    """
    table = Table(title="Một ngày ở thành phố", expand=True, title_style="bold")
    table.add_column("Hồ sơ", no_wrap=True)
    for column, ratio in (("Việc", 5), ("Trạng thái", 3), ("Kết quả ở đâu, ai nhận", 5 if moving else 6)):
        table.add_column(column, ratio=ratio, no_wrap=moving, overflow="ellipsis" if moving else "fold")
    for dossier in day.dossiers:
        colour = _COLOURS.get(dossier.status, "white")
        status = Text(dossier.status_name, style=colour)
        if moving:
            table.add_row(f"…{dossier.code[-4:]}", dossier.what, status, briefly(dossier))
        else:
            table.add_row(dossier.code, dossier.what, status, where(dossier, names))
    news = "\n".join(f"{at:%H:%M:%S}  {line}" for at, line in day.news[-_NEWS_MAX:])
    running = "  ".join(f"[green]●[/] {p.name}" if p.pid else f"[red]●[/] {p.name}" for p in city.processes())
    return Group(table, Panel(news or "…", title="Tin"), Text.from_markup(running))


def briefly(dossier: Expectation) -> str:
    """How many results of a dossier are in which state, on one line."""
    states = Counter(_state(result, {}) for result in dossier.results)
    return ", ".join(f"{count} {state}" for state, count in states.items())


def where(dossier: Expectation, names: Mapping[str, str]) -> str:
    """Each result of a dossier with its state, and who received it."""
    parts = []
    for result in dossier.results:
        part = f"{names.get(result['code'], result['code'])}: {_state(result, names)}"
        if result["state"] == "handed-over" and dossier.receiver:
            part += f" → {dossier.receiver}"
        parts.append(part)
    return "; ".join(parts)


def _state(result: Mapping[str, str], names: Mapping[str, str]) -> str:
    if result["delivery"] == "electronic" and result["state"] == "ready":
        return "bản điện tử"
    state = _STATES.get(result["state"], result["state"])
    place = names.get(result["place"], "")
    return f"{state} tại {place}" if place and result["state"] in ("ready", "handed-over") else state


def closing(city: City, day: Day, papers: Mapping[Path, str], mail: Path, *, people: bool = False) -> str:
    """What stays on the screen after the day: papers, receipts, URLs; with `people` nothing is settled yet."""
    lines = [""]
    if not people:
        lines += [f"Giấy tờ đã ký số và biên nhận (PDF), trong {city.folder / 'papers'}:"]
        lines += [f"  {path.name:<66} {label}" for path, label in papers.items()]
    lines += ["", f"Thư gửi người dân: {mail}", "", "Dịch vụ:"]
    lines += [f"  {name:<9} {url}   (/openapi.json, /health/ready)" for name, url in city.urls.items()]
    lines += [f"  nhật ký   {city.folder / 'logs'}"]
    lines += ["", f"Trang web (mở bằng trình duyệt): {city.urls['portal']}"]
    lines += [f"  cho người tích hợp: {city.urls['portal']}/dev"]
    lines += ["", "Đối tác thử nghiệm đọc sự kiện (thay benh-vien-thu bằng bao-hiem-thu để đọc tất cả):"]
    lines += ["  TOKEN=$(.venv/bin/python -m deploy.local partner benh-vien-thu)"]
    lines += [f'  curl -is "{city.urls["gateway"]}/events?limit=5" -H "Authorization: Bearer $TOKEN"']
    lines += ["Tệp XML9 hoặc Bundle FHIR của bệnh viện thử, chép vào đây; trả lời ở thư mục out bên cạnh:"]
    lines += [f"  {city.drop / HOSPITAL_PARTNER / 'in'}"]
    lines += ["", "Tài khoản cán bộ: tên, mật khẩu, khóa của ứng dụng xác thực"]
    lines += ["(mã 6 số lúc này: .venv/bin/python -m deploy.local code <tên>):"]
    lines += [
        f"  {each.login:<42} {each.password:<34} {each.totp_secret or '-':<34} {each.name} – {each.roles_vi}"
        for each in city.accounts
    ]
    if people:
        lines += [
            "",
            f"{len(day.dossiers)} hồ sơ đang chờ trên bàn làm việc; các bàn để cho người đăng nhập xử lý.",
        ]
        return "\n".join(lines)
    ended = len(day.dossiers) - len(day.unfinished())
    lines += ["", f"{ended} / {len(day.dossiers)} hồ sơ kết thúc đúng như mong đợi."]
    return "\n".join(lines)
