// H1, the ward: arrows between beds, a scan opens one, a dropped XML9 file is sent, the outbox is counted.
import { addKey, tellKey } from "../keys.js";
import { openByScan } from "./bed-scan.js";
import { blank, lockWhenIdle, unlocked } from "./lock.js";
import { all, keepDraining } from "./outbox.js";
import { onScan } from "../scan.js";

const box = document.getElementById("quet");
const place = document.querySelector("[data-hop-gui]");

async function count() {
  if (!place) return;
  const drafts = await all();
  const waiting = drafts.filter(({ state }) => state === "waiting" || state === "sending").length;
  const wrong = drafts.filter(({ state }) => state === "error").length;
  place.textContent = `Hộp gửi: ${waiting}${wrong ? `, ${wrong} cần xem lại` : ""}`;
}

// Arrows move between the beds, as in any list.
function step(event) {
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  // In a text box the arrows are its own, but ↓ leads from the scan box to the beds.
  if (event.target.closest("input, select, textarea") && !(event.target === box && event.key === "ArrowDown")) return false;
  const beds = [...document.querySelectorAll(".bed h2 a")];
  if (!beds.length) return false;
  const at = beds.indexOf(document.activeElement);
  beds[at < 0 ? 0 : (at + by + beds.length) % beds.length].focus();
  return true;
}

function takeFiles(form) {
  const input = form.querySelector("input[type=file]");
  const send = (files) => {
    if (!files.length) return;
    input.files = files;
    form.requestSubmit();
  };
  input.addEventListener("change", () => send(input.files));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    send(event.dataTransfer.files);
  });
}

function showConnection({ connected }) {
  const words = connected ? "Có mạng" : "Mất mạng: vẫn khai báo được";
  const at = document.querySelector("[data-ket-noi]");
  if (!at || at.textContent === words) return;
  at.textContent = words;
  at.dataset.ketNoi = connected ? "co" : "mat";
}

takeFiles(document.querySelector("[data-nhan-tep]"));
async function find(scan, text) {
  const why = await openByScan(scan, text);
  const hint = document.querySelector("[data-quet]");
  if (why && hint) hint.textContent = why;
}

onScan((scan, { text }) => find(scan, text));
addKey(["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft"], "Chuyển giữa các giường (từ ô quét: ↓)", step);
// What somebody types there is looked for, too.
addKey("Enter", "Trong ô quét: tìm và mở", (event) => {
  if (event.target !== box || !box.value.trim()) return false;
  return find({ kind: "text" }, box.value.trim());
});
tellKey("Enter", "Ở một giường: mở");
document.addEventListener("outbox:changed", count);
document.addEventListener("outbox:connection", (event) => showConnection(event.detail));
count();
keepDraining();
unlocked();
document.documentElement.dataset.san = "sang";
lockWhenIdle(blank("/bv"));
