// Officers' lists and dossiers with the keyboard: lines, acts, panels, and ten seconds to take something back.
import { addKey, tellKey } from "../keys.js";

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

const inRow = () => document.activeElement?.matches?.("[data-row]");

function stepRow(event) {
  if (!inRow()) return false;
  return stepIn(rows(), event.key === "ArrowDown" ? 1 : -1)?.focus();
}

function look(event) {
  if (!inRow()) return false;
  if (event.key === "ArrowRight") preview(document.activeElement);
  else document.getElementById("xem-nhanh").hidden = true;
  return true;
}

function stepAct(event) {
  const group = document.activeElement?.closest?.("[data-acts]");
  if (!group) return false;
  return stepIn([...group.querySelectorAll("[data-act]")], event.key === "ArrowRight" ? 1 : -1)?.focus();
}

// A digit chooses while a numbered list has the focus; nothing listens to digits anywhere else.
function choose(event) {
  const focused = document.activeElement;
  if (!focused?.matches?.("[data-numbers] input[type=radio]")) return false;
  const choice = focused.closest("[data-numbers]").querySelectorAll("input[type=radio]")[Number(event.key) - 1];
  if (!choice) return false;
  choice.checked = true;
  return choice.focus();
}

if (document.getElementById("xem-nhanh")) {
  addKey(["ArrowUp", "ArrowDown"], "Trong danh sách: chuyển dòng", stepRow);
  tellKey("Enter", "Trong danh sách: mở hồ sơ ở dòng đang chọn");
  addKey(["ArrowRight", "ArrowLeft"], "Trong danh sách: xem nhanh, đóng xem nhanh", look);
}
if (document.getElementById("bang")) {
  addKey(["ArrowLeft", "ArrowRight"], "Giữa các nút việc làm được: chuyển nút", stepAct);
  addKey([..."123456789"], "Trong danh sách có số: chọn", choose);
}

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
addKey("Escape", "Đóng biểu mẫu, xem nhanh; hoàn tác việc vừa làm", (event) => (event.target.closest?.("form.search") ? false : close()));

for (const bar of document.querySelectorAll("[data-undo]")) {
  setTimeout(() => { bar.hidden = true; }, UNDO_MS);
}

// Where work goes on: the first line of a list, the next thing to do with a dossier (to take back is what Escape is for).
if (!document.querySelector("[data-focus]")) {
  const panel = document.querySelector("[data-panel-form]");
  (panel?.querySelector("input:not([type=hidden]), select, textarea") ?? rows()[0] ?? document.querySelector("[data-acts] [data-act]"))?.focus();
}
