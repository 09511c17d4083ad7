// What every page has: focus where it belongs, no form sent twice, live parts, keys. Modules below do one thing each.
import { bindKeys } from "./keys.js";
import { followLive } from "./live.js";
import { guardForms } from "./forms.js";

const focusFirst = (root) => root.querySelector("[data-focus]")?.focus();

focusFirst(document);
guardForms(document);
bindKeys();
followLive(document);

// What is kept in this tab is the officer's who leaves.
document.querySelector("form[action='/dang-xuat']")?.addEventListener("submit", () => sessionStorage.clear());

// Browsers ignore autofocus in what a script puts into the page.
document.addEventListener("htmx:after:swap", (event) => {
  const root = event.detail?.ctx?.target ?? event.target;
  if (root instanceof Element) focusFirst(root);
});
