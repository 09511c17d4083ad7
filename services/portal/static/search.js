// The scan-and-search box: what fits is shown while one types, identifiers before names; Enter opens the first or the marked one.
import { addKey } from "./keys.js";

const WAIT_MS = 120;
const box = document.getElementById("tim");
const list = document.getElementById("tim-ds");
let timer = 0;
let turn = 0;
let active = -1;

const hits = () => [...list.querySelectorAll("[role=option][data-href]")];

function close() {
  list.hidden = true;
  active = -1;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
}

function move(to) {
  active = to;
  hits().forEach((hit, index) => hit.setAttribute("aria-selected", String(index === to)));
  if (to >= 0) box.setAttribute("aria-activedescendant", hits()[to].id);
}

async function ask() {
  const mine = ++turn;
  const typed = box.value.trim();
  if (typed.length < 2) return close();
  const csrf = document.querySelector("meta[name=csrf]").content;
  const headers = { "HX-Request": "true", Accept: "text/html", "X-CSRF": csrf };
  const answer = await fetch("/tim", { method: "POST", headers, body: new URLSearchParams({ q: typed }) });
  if (mine !== turn || !answer.ok) return undefined;
  list.innerHTML = await answer.text();
  list.hidden = false;
  box.setAttribute("aria-expanded", "true");
  move(-1);
  return undefined;
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, WAIT_MS);
}

addKey("Ctrl+K", "Đến ô quét và tìm", () => {
  box.focus();
  box.select();
});
box.addEventListener("input", (event) => {
  if (!event.isComposing) later();
});
box.addEventListener("compositionend", later);
box.addEventListener("blur", () => setTimeout(close, 150));
box.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const count = hits().length;
  if (event.key === "Escape") {
    // An open list takes the key; the page must not act on it too.
    if (list.hidden) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && count) {
    event.preventDefault();
    move((active + (event.key === "ArrowDown" ? 1 : count - 1 + (active < 0 ? 1 : 0))) % count);
  } else if (event.key === "Enter" && active >= 0) {
    event.preventDefault();
    location.assign(hits()[active].dataset.href);
  }
});
