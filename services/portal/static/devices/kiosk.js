// A kiosk nobody touches goes back to its start, where nothing of the one before stands; it says so first (WCAG 2.2.1).
const IDLE_MS = 60_000;
const WARNED_MS = 15_000;
const START = "/thu-tuc";
const dialog = document.getElementById("con-do-khong");
const left = dialog.querySelector("[data-con-lai]");
let used = Date.now();
let warned = 0;

const isAtStart = () => location.pathname === START && !location.search && !document.getElementById("q")?.value;

function note() {
  used = Date.now();
}

// Once: a start that is slow to come would be begun anew with each look, and never come.
function leave() {
  clearInterval(looking);
  location.replace(START);
}

function look() {
  const now = Date.now();
  if (dialog.open) {
    const seconds = Math.ceil((warned + WARNED_MS - now) / 1000);
    if (seconds <= 0) leave();
    else left.textContent = String(seconds);
  } else if (now - used >= IDLE_MS) {
    // At the start there is nothing to clear; loading it again would only blink.
    if (isAtStart()) return note();
    warned = now;
    left.textContent = String(WARNED_MS / 1000);
    dialog.showModal();
  }
  return undefined;
}

dialog.addEventListener("close", note);
for (const kind of ["keydown", "pointerdown", "input", "wheel"]) document.addEventListener(kind, note, { capture: true, passive: true });
document.querySelector("[data-ve-dau]").addEventListener("click", leave);
// A page kept by the browser for going back would show what the one before looked for.
window.addEventListener("pageshow", (event) => event.persisted && location.replace(START));
const looking = setInterval(look, 1000);
