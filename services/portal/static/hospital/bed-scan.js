// A scan on a page of the ward opens the dossier it belongs to. What the card says travels in this tab only, never in an
// address: the page it opens fills the receiver in from it.
const KEPT = "bv-the";
const FRESH_MS = 60_000;

const wanted = (scan, text) => scan.number ?? scan.token ?? scan.code ?? text;

export async function openByScan(scan, text) {
  const csrf = document.querySelector("meta[name=csrf]").content;
  const answer = await fetch("/bv/mo", {
    method: "POST",
    body: new URLSearchParams({ q: wanted(scan, text) }),
    headers: { Accept: "application/json", "X-CSRF": csrf },
  });
  const { to } = answer.ok ? await answer.json() : { to: "" };
  if (!to) return false;
  if (scan.kind === "identity-card") sessionStorage.setItem(KEPT, JSON.stringify({ scan, at: Date.now() }));
  location.assign(to);
  return true;
}

export function scanThatOpened() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  return kept && Date.now() - kept.at < FRESH_MS ? kept.scan : null;
}
