// One bed: the receiver's card is scanned and checked at once; what is ready is handed over with a signature.
import { openByScan, scanThatOpened } from "./bed-scan.js";
import { blank, lockWhenIdle, unlocked } from "./lock.js";
import { printPaper } from "../print.js";
import { onScan } from "../scan.js";
import { signatureOf } from "./signature.js";

// The bed's own address: after a form with errors the browser shows that of the form, which is none to go to.
const HERE = location.pathname.split("/").slice(0, 4).join("/");
const form = document.getElementById("trao");
const box = (name) => document.getElementById(name);

async function check() {
  if (!box("ho-ten").value || !box("so-giay-to").value) return;
  const headers = { "HX-Request": "true", Accept: "text/html", "X-CSRF": document.querySelector("meta[name=csrf]").content };
  const answer = await fetch(form.dataset.doiChieu, { method: "POST", headers, body: new FormData(form) });
  if (!answer.ok) return;
  box("ket-qua-doi-chieu").innerHTML = await answer.text();
  const relation = box("ket-qua-doi-chieu").querySelector("[data-relation]")?.dataset.relation;
  if (relation) box("quan-he").value = relation;
  else box("khac").open = true;
  (relation ? box("ky-giay") : box("quan-he")).focus();
}

function receive(scan) {
  box("so-giay-to").value = scan.number;
  box("ho-ten").value = scan.name;
  if (scan.name) check();
  else box("ho-ten").focus();
}

// What the page offers must follow what has become ready, but never while somebody fills it in.
function offer() {
  const state = document.querySelector("[data-san-sang]");
  // The screen is locked: nothing of the bed stands there any more.
  if (!state) return;
  const shown = `${[...document.querySelectorAll("[name=ket-qua]")].map((one) => one.value).join(" ")}|${[...document.querySelectorAll("[name=ve]")].map((one) => one.value).join(" ")}`;
  const there = `${state.dataset.sanSang}|${state.dataset.dangVe}`;
  const busy = [...document.querySelectorAll("input[type=text], textarea")].some((one) => one.value !== one.defaultValue) || form?.elements["net-ky"].value;
  if (shown !== there && !busy) location.replace(HERE);
}

onScan((scan, { text }) => {
  if (form && scan.kind === "identity-card") receive(scan);
  else openByScan(scan, text);
});

if (form) {
  const again = signatureOf(box("ky"), form.elements["net-ky"]);
  form.querySelector("[data-xoa-ky]").addEventListener("click", again);
  for (const name of ["ho-ten", "so-giay-to"]) box(name).addEventListener("change", check);
  const scan = scanThatOpened();
  if (scan) receive(scan);
  else if (!document.querySelector("[data-focus]")) box("so-giay-to").focus();
}
document.querySelector("[data-song]").addEventListener("live:state", offer);
for (const link of document.querySelectorAll("a[data-in]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    printPaper(link.dataset.in);
  });
}
const now = document.querySelector("[data-in-ngay]");
if (now) printPaper(now.dataset.in);
unlocked();
document.documentElement.dataset.san = "sang";
lockWhenIdle(blank(HERE));
