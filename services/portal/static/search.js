// The scan-and-search box: what fits is shown while one types, identifiers before names; Enter opens the marked one,
// or without one the page of everything found.
import { combobox } from "./combobox.js";
import { addKey } from "./keys.js";

const box = document.getElementById("tim");

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

combobox(box, document.getElementById("tim-ds"), {
  find,
  show,
  take: (_, at) => location.assign(document.querySelectorAll("#tim-ds [data-href]")[at].dataset.href),
  least: 2,
  marksFirst: false,
});

addKey("Ctrl+K", "Đến ô quét và tìm", () => {
  box.focus();
  box.select();
});
