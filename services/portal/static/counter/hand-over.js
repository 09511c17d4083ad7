// Handing over at the counter: the collector's card is scanned, checked at once, and the receipt printed when it is done.
import { addKey } from "../keys.js";
import { enterInBox } from "../next-box.js";
import { openScanned } from "../open-scanned.js";
import { printPaper } from "../print.js";
import { onScan } from "../scan.js";

const form = document.getElementById("trao");
const box = (name) => document.getElementById(name);

async function check() {
  if (!box("ho-ten").value || !box("so-giay-to").value) return;
  const headers = { "HX-Request": "true", Accept: "text/html", "X-CSRF": document.querySelector("meta[name=csrf]").content };
  const answer = await fetch(form.dataset.check, { method: "POST", headers, body: new FormData(form) });
  if (!answer.ok) return;
  box("doi-chieu").innerHTML = await answer.text();
  const relation = box("doi-chieu").querySelector("[data-relation]")?.dataset.relation;
  if (relation) box("quan-he").value = relation;
  else box("khong-khop").open = true;
  (relation ? form.querySelector("[name=da-thu]") ?? form.querySelector("button.main") : box("quan-he")).focus();
}

onScan((scan, { text }) => {
  if (form && scan.kind === "identity-card") {
    box("ho-ten").value = scan.name;
    box("so-giay-to").value = scan.number;
    if (scan.name) check();
    else box("ho-ten").focus();
  } else if (scan.kind !== "text") openScanned(scan, text);
});

if (form) {
  box("ho-ten").addEventListener("change", check);
  box("so-giay-to").addEventListener("change", check);
  addKey("Enter", "Trong một ô: sang ô tiếp theo (khi bật ở quầy)", enterInBox);
  if (!document.querySelector("[data-focus]")) box("ho-ten").focus();
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-print]");
  if (!link) return;
  event.preventDefault();
  printPaper(link.dataset.print);
});
const now = document.querySelector("[data-print-now]");
if (now) {
  printPaper(now.dataset.print);
  box("tim").focus();
}
