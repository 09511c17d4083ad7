// The scan-and-search box: what fits is shown while one types, identifiers before names; Enter opens the marked one,
// or without one the page of everything found. Where nothing is found, and without a network, one stays, with what was
// typed elsewhere on the page, and hears it.
import { combobox } from "./combobox.js";
import { addKey } from "./keys.js";

const box = document.getElementById("tim");
const hits = document.getElementById("tim-ds");
const said = document.getElementById("tim-noi");
const AWAY = `<div role="option" aria-disabled="true" aria-selected="false">Chưa tìm được vì mất kết nối. Hãy thử lại sau ít giây.</div>`;

async function find(text) {
  const headers = { "HX-Request": "true", Accept: "text/html", "X-CSRF": document.querySelector("meta[name=csrf]").content };
  try {
    const answer = await fetch("/tim", { method: "POST", headers, body: new URLSearchParams({ q: text }) });
    return answer.ok ? await answer.text() : null;
  } catch {
    return AWAY;
  }
}

// The list says it too when nothing was found.
function show(list, html) {
  list.innerHTML = html;
  list.hidden = false;
  return [...list.querySelectorAll("[role=option][data-href]")];
}

const look = combobox(box, hits, {
  find,
  show,
  changed: () => (said.textContent = ""),
  take: (_, at) => location.assign(document.querySelectorAll("#tim-ds [data-href]")[at].dataset.href),
  least: 2,
  marksFirst: false,
});

async function open() {
  // The same words once more are heard only if they were gone.
  said.textContent = "";
  const count = await look();
  if (count === undefined) return;
  if (count === 0) said.textContent = hits.textContent.trim();
  else box.form.submit();
}

addKey("Enter", "Trong ô quét và tìm: tìm", (event) => {
  if (event.target !== box || !box.value.trim()) return false;
  return open();
});
addKey("Ctrl+K", "Đến ô quét và tìm", () => {
  box.focus();
  box.select();
});
