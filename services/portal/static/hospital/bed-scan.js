// A scan on a page of the ward opens the dossier it belongs to. What the card says travels in this tab only, never in an
// address: the page it opens fills the receiver in from it.
const KEPT = "bv-the";
const FRESH_MS = 60_000;

const wanted = (scan, text) => scan.number ?? scan.token ?? scan.code ?? text;

const NOTHING = "Không có hồ sơ nào của bệnh viện khớp với thẻ, mã hoặc tên này.";
const SIGNED_OUT = "Phiên làm việc đã kết thúc. Hãy tải lại trang và đăng nhập lại.";
const BUSY = "Chưa tìm được vì hệ thống đang bận. Hãy thử lại sau ít phút.";
const OFFLINE = "Chưa tìm được vì không kết nối được với hệ thống. Hãy kiểm tra mạng rồi thử lại.";

// Opens the dossier; the answer says why none is opened, in words for the page, and is empty when one is.
export async function openByScan(scan, text) {
  const csrf = document.querySelector("meta[name=csrf]").content;
  let to;
  try {
    const answer = await fetch("/bv/mo", {
      method: "POST",
      body: new URLSearchParams({ q: wanted(scan, text) }),
      headers: { Accept: "application/json", "X-CSRF": csrf },
    });
    if (!answer.ok) return [401, 403].includes(answer.status) ? SIGNED_OUT : BUSY;
    ({ to } = await answer.json());
  } catch {
    return OFFLINE;
  }
  if (!to) return NOTHING;
  if (scan.kind === "identity-card") sessionStorage.setItem(KEPT, JSON.stringify({ scan, at: Date.now() }));
  location.assign(to);
  return "";
}

export function scanThatOpened() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  return kept && Date.now() - kept.at < FRESH_MS ? kept.scan : null;
}
