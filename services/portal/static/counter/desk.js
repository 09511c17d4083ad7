// The counter's desk. The form is sent by script and the desk replaced by what comes back; scans (files) go after the dossier,
// each by itself. What is typed is kept in this tab until the dossier is received: a lost session or a look elsewhere costs nothing.
import { fill, fillPerson, fillSubject } from "./desk-people.js";
import { forget, keepFor, keptOf } from "./kept.js";
import { addKey } from "../keys.js";
import { showAllChosen } from "../forms.js";
import { enterInBox, showSwitch } from "../next-box.js";
import { openScanned } from "../open-scanned.js";
import { PAPER_KEYS, paperKey } from "./paper-list.js";
import { printPaper } from "../print.js";
import { onScan } from "../scan.js";
import { suggestIn } from "./suggested.js";

const PREVIEW_MS = 300;
const TITLE = document.title.replace(/^Lỗi: /, "");
const desk = document.getElementById("ban");
const { login } = desk.dataset;
const form = () => document.getElementById("tiep-nhan");
const scanBox = () => document.getElementById("tim");
let sending = false;
let previewTimer = 0;
let done = false;

function data() {
  const all = new FormData(form());
  for (const [name, value] of [...all]) if (value instanceof File) all.delete(name);
  return all;
}

const files = () => [...form().querySelectorAll("input[type=file]")].filter((input) => input.files.length);

function keep() {
  const typed = [...data()].filter(([name]) => name !== "_csrf");
  const something = typed.some(([name, value]) => value && /^(form\.|thu-tuc|giay\.)/.test(name));
  if (something && !done) keepFor(sessionStorage, login, typed);
  else forget(sessionStorage, login);
}

async function post(address, body) {
  const headers = { "HX-Request": "true", Accept: "text/html", "X-CSRF": document.querySelector("meta[name=csrf]").content };
  const answer = await fetch(address, { method: "POST", headers, body });
  if (answer.status === 401) {
    keep();
    location.assign("/dang-nhap?tiep=/quay");
    return null;
  }
  return { status: answer.status, html: await answer.text() };
}

// The desk anew; chosen files stay at their papers.
function put(html) {
  const chosen = new Map(files().map((input) => [input.name, input.files]));
  desk.innerHTML = html;
  for (const [name, list] of chosen) {
    const input = form().elements.namedItem(name);
    if (input) input.files = list;
  }
  showAllChosen();
  ready();
}

function ready() {
  done = false;
  document.title = desk.querySelector("[data-testid=tom-tat-loi]") ? `Lỗi: ${TITLE}` : TITLE;
  showSwitch(document.getElementById("enter-tiep"));
  suggestIn(desk, (input, row) => {
    if (input.dataset.code !== "thu-tuc") return void previewSoon();
    document.getElementById("thu-tuc").value = row.aside;
    again(focusFirstEmpty);
  });
}

function focusFirstEmpty() {
  const empty = [...document.querySelectorAll("#nguoi-nop input")].find((input) => input.type !== "hidden" && input.checkVisibility() && !input.value);
  const paper = document.querySelector("[data-papers] input[type=radio]");
  (empty ?? paper)?.focus();
}

async function again(then) {
  const focused = document.activeElement?.id;
  const answer = await post("/quay/bieu-mau", data());
  if (!answer || answer.status !== 200) return;
  put(answer.html);
  if (then) then();
  else document.getElementById(focused)?.focus();
}

function previewSoon() {
  clearTimeout(previewTimer);
  previewTimer = setTimeout(showPreview, PREVIEW_MS);
}

async function showPreview() {
  const answer = await post("/quay/xem-truoc", data());
  if (answer?.status !== 200) return;
  document.getElementById("ben-phai").innerHTML = answer.html;
  const promise = document.getElementById("ngay-hen-tra");
  if (promise) promise.textContent = desk.querySelector("[data-promise]")?.textContent ?? promise.textContent;
}

async function sendFiles(chosen, key, card) {
  const dossier = card.querySelector("[data-dossier]").dataset.dossier;
  const list = document.getElementById("tep-da-gui");
  for (const [name, file] of chosen) {
    const body = new FormData();
    body.append("tep", file);
    body.append("khoa", key);
    const component = name.replace("tep.", "");
    const answer = await post(`/quay/tep/${dossier}/${component}`, body).catch(() => null);
    if (answer && (answer.status === 200 || answer.status === 422)) list.insertAdjacentHTML("beforeend", answer.html);
    else {
      const line = document.createElement("li");
      line.className = "wrong";
      line.textContent = `${file.name}: chưa gửi được, hãy gửi lại ở trang hồ sơ.`;
      list.append(line);
    }
  }
}

async function receive() {
  if (sending) return;
  sending = true;
  try {
    const chosen = files().map((input) => [input.name, input.files[0]]);
    const sent = data();
    // A second dossier that is wanted has a key of its own, and so have its scans.
    const key = sent.get("khoa-moi") ?? sent.get("khoa");
    const answer = await post("/quay", sent).catch(() => null);
    if (!answer) return told("Chưa gửi được, nội dung vẫn còn. Hãy bấm F9 lần nữa.");
    if (!answer.html.includes('id="tiep-nhan"')) return told("Hệ thống đang bận, nội dung vẫn còn. Hãy bấm F9 lần nữa.");
    put(answer.html);
    const card = desk.querySelector("[data-testid=vua-nhan]");
    if (answer.status !== 200 || !card) return desk.querySelector("[data-focus]")?.focus();
    desk.querySelectorAll("input[type=file]").forEach((input) => (input.value = ""));
    showAllChosen();
    forget(sessionStorage, login);
    const link = card.querySelector("[data-print]");
    history.replaceState(null, "", `/quay?xong=${link.dataset.dossier}`);
    scanBox().value = "";
    scanBox().focus();
    printPaper(link.dataset.print);
    await sendFiles(chosen, key, card);
  } finally {
    sending = false;
  }
  return undefined;
}

function told(words) {
  const place = document.getElementById("mat-ket-noi");
  place.textContent = words;
  place.hidden = false;
}

async function readBack() {
  if (!form().elements.namedItem("viet-ho").checked) return void told("Ctrl+Enter đọc lại khi viết hộ. Để tiếp nhận và in, bấm F9.");
  const answer = await post("/quay/doc-lai", data());
  if (!answer) return;
  if (answer.status !== 200) {
    put(answer.html);
    desk.querySelector("[data-focus]")?.focus();
    return;
  }
  const place = document.getElementById("doc-lai");
  place.innerHTML = answer.html;
  place.hidden = false;
  document.getElementById("nhap").hidden = true;
  place.querySelector("[data-focus]").focus();
}

function leaveReadBack() {
  const place = document.getElementById("doc-lai");
  if (place.hidden) return;
  place.hidden = true;
  place.replaceChildren();
  document.getElementById("nhap").hidden = false;
  document.querySelector("#nguoi-nop input").focus();
}

function reprint() {
  const link = desk.querySelector("[data-print]");
  if (link) printPaper(link.dataset.print);
}

function startAnew() {
  done = true;
  forget(sessionStorage, login);
  location.assign("/quay");
}

// -- scanning --------------------------------------------------------------------------------------------------------

function scanned(scan, element) {
  if (fillPerson(scan, element) !== "applicant") return;
  if (!scan.name) document.getElementById("form.applicant.name").focus();
  else if (document.getElementById("thu-tuc").value) focusFirstEmpty();
  else document.getElementById("tim-thu-tuc").focus();
  previewSoon();
  showFormer(scan.number);
}

async function showFormer(number) {
  const place = document.getElementById("nguoi-cu");
  const answer = await post("/quay/nguoi-cu", new URLSearchParams({ so: number }));
  if (answer?.status !== 200) return;
  place.innerHTML = answer.html;
  place.hidden = !place.innerHTML.trim();
}

onScan((scan, { element, text }) => {
  if (scan.kind === "identity-card" || scan.kind === "insurance-card") scanned(scan, element);
  else if (scan.kind !== "text") {
    keep();
    openScanned(scan, text);
  } else scanBox().value = text;
});

// -- what happens on the desk ------------------------------------------------------------------------------------------

desk.addEventListener("submit", (event) => {
  event.preventDefault();
  receive();
});
desk.addEventListener("change", (event) => {
  if (event.target.id === "form.applicant.relation" && event.target.value === "self") fillSubject();
  if (event.target.matches("[data-again]")) again();
  else previewSoon();
  const slip = desk.querySelector("[data-slip]");
  if (slip) slip.hidden = !desk.querySelector("[data-paper] input[value=thieu]:checked");
});
desk.addEventListener("click", (event) => {
  const target = event.target.closest("[data-add], [data-read-back], [data-back], [data-reprint], [data-new], a[data-print], [data-take]");
  if (!target) return;
  event.preventDefault();
  if (target.dataset.add) {
    form().elements.namedItem(`hang.${target.dataset.add}`).value = Number(form().elements.namedItem(`hang.${target.dataset.add}`).value) + 1;
    again();
  } else if (target.dataset.take) {
    fill(target.dataset.take, target.dataset.value);
    document.getElementById(`form.${target.dataset.take}`)?.focus();
  } else if ("readBack" in target.dataset) readBack();
  else if ("back" in target.dataset) leaveReadBack();
  else if ("new" in target.dataset) startAnew();
  else reprint();
});
addKey("F9", "Tiếp nhận và in", receive);
addKey("Shift+F9", "In lại giấy vừa in", reprint);
addKey("F4", "Hồ sơ mới", startAnew);
addKey("Ctrl+Enter", "Viết hộ: đọc lại cho người dân nghe", readBack);
addKey("Escape", "Đóng trang đọc lại", leaveReadBack);
for (const [keys, words] of PAPER_KEYS) addKey(keys, words, paperKey);
addKey("Enter", "Trong một ô: sang ô tiếp theo (khi bật)", enterInBox);
window.addEventListener("pagehide", keep);
document.querySelector("form[action='/dang-xuat']")?.addEventListener("submit", () => {
  done = true;
});

async function begin() {
  ready();
  const kept = keptOf(sessionStorage, login);
  if (kept && !new URLSearchParams(location.search).has("moi")) {
    const body = new FormData();
    for (const [name, value] of kept) body.append(name, value);
    const answer = await post("/quay/bieu-mau", body);
    if (answer?.status === 200) put(answer.html);
    told("Nội dung đang nhập vẫn còn. Tệp bản chụp (nếu có) cần chọn lại.");
  }
  scanBox().focus();
}

begin();
