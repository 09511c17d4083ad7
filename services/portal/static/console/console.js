// Officers' lists and dossiers with the keyboard: lines, acts, panels, and ten seconds to take something back.
import { addKey } from "../keys.js";

const UNDO_MS = 10000;

// Which element of a group has the focus, and the one `by` further.
function stepIn(group, by) {
  const at = group.indexOf(document.activeElement);
  if (at < 0) return null;
  return group[Math.min(Math.max(at + by, 0), group.length - 1)];
}

const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")];

async function preview(link) {
  const place = document.getElementById("xem-nhanh");
  const answer = await fetch(link.dataset.preview, { headers: { "HX-Request": "true" } });
  if (!answer.ok || document.activeElement !== link) return;
  place.innerHTML = await answer.text();
  place.hidden = false;
}

function inRow(event) {
  const link = document.activeElement;
  if (!link?.matches?.("[data-row]")) return;
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) {
    event.preventDefault();
    stepIn(rows(), by)?.focus();
  } else if (event.key === "ArrowRight") {
    event.preventDefault();
    preview(link);
  } else if (event.key === "ArrowLeft") {
    event.preventDefault();
    document.getElementById("xem-nhanh").hidden = true;
  }
}

function inActs(event) {
  const group = document.activeElement?.closest?.("[data-acts]");
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!group || !by) return;
  event.preventDefault();
  stepIn([...group.querySelectorAll("[data-act]")], by)?.focus();
}

// A digit chooses while a numbered list has the focus; nothing listens to digits anywhere else.
function inNumbers(event) {
  const focused = document.activeElement;
  if (!focused?.matches?.("[data-numbers] input[type=radio]") || !/^[1-9]$/.test(event.key)) return;
  const choice = focused.closest("[data-numbers]").querySelectorAll("input[type=radio]")[Number(event.key) - 1];
  if (!choice) return;
  event.preventDefault();
  choice.checked = true;
  choice.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  inRow(event);
  inActs(event);
  inNumbers(event);
});

// Panels open in their place; without an answer the address itself is opened.
document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-panel]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const place = document.getElementById("bang");
  const answer = await fetch(link.href, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) {
    location.assign(link.href);
    return;
  }
  place.innerHTML = await answer.text();
  for (const form of place.querySelectorAll("form")) form.noValidate = true;
  history.replaceState(null, "", link.href);
  (place.querySelector("[data-focus]") ?? place.querySelector("input:not([type=hidden]), select, textarea, h2"))?.focus();
  place.scrollIntoView({ block: "nearest" });
});

function close() {
  const undo = document.querySelector("[data-undo]:not([hidden]) form");
  const panel = document.querySelector("[data-panel-form]");
  const shown = document.getElementById("xem-nhanh");
  if (panel) {
    document.getElementById("bang").replaceChildren();
    history.replaceState(null, "", panel.querySelector("[data-close]").href);
    document.querySelector("[data-act]")?.focus();
  } else if (undo) {
    undo.requestSubmit();
  } else if (shown) {
    shown.hidden = true;
  }
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-close]")) return;
  event.preventDefault();
  close();
});

// What asks once more has the focus on its heading and is not answered by the chord that opened it, pressed again unseen.
addKey("Ctrl+Enter", "Gửi biểu mẫu đang mở (khi hỏi xác nhận: Tab rồi Enter)", () => {
  document.querySelector("[data-panel-form]:not([data-confirming])")?.requestSubmit();
});
// In the search box the key is meant for what is typed there.
addKey("Escape", "Đóng biểu mẫu; hoàn tác việc vừa làm", (event) => {
  if (!event.target.closest?.("form.search")) close();
});

for (const bar of document.querySelectorAll("[data-undo]")) {
  setTimeout(() => { bar.hidden = true; }, UNDO_MS);
}

// Where work goes on: the first line of a list, the next thing to do with a dossier (to take back is what Escape is for).
if (!document.querySelector("[data-focus]")) {
  const panel = document.querySelector("[data-panel-form]");
  (panel?.querySelector("input:not([type=hidden]), select, textarea") ?? rows()[0] ?? document.querySelector("[data-acts] [data-act]"))?.focus();
}
