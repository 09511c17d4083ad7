// The scan-and-search box: what fits is shown while one types, identifiers before names; Enter opens the marked one,
// or without one the page of everything found. Where nothing is found one stays, with what was typed elsewhere on the page.
import { combobox } from "./combobox.js";
import { addKey } from "./keys.js";

const box = document.getElementById("tim");
const hits = document.getElementById("tim-ds");

async function find(text) {
  const headers = { "HX-Request": "true", Accept: "text/html", "X-CSRF": document.querySelector("meta[name=csrf]").content };
  const answer = await fetch("/tim", { method: "POST", headers, body: new URLSearchParams({ q: text }) });
  return answer.ok ? answer.text() : null;
}

// The list says it too when nothing was found.
function show(list, html) {
  list.innerHTML = html;
  list.hidden = false;
  return [...list.querySelectorAll("[role=option][data-href]")];
}

combobox(box, hits, {
  find,
  show,
  take: (_, at) => location.assign(document.querySelectorAll("#tim-ds [data-href]")[at].dataset.href),
  least: 2,
  marksFirst: false,
});

async function open() {
  const html = await find(box.value.trim());
  if (html === null || show(hits, html).length) return box.form.submit();
  return box.setAttribute("aria-expanded", "true");
}

addKey("Enter", "Trong ô quét và tìm: tìm", (event) => {
  if (event.target !== box || !box.value.trim()) return false;
  return open();
});
addKey("Ctrl+K", "Đến ô quét và tìm", () => {
  box.focus();
  box.select();
});
