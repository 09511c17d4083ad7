// Enter goes to the next box, as people who type all day are used to; remembered in this browser, on until switched off.
const NAME = "enter-tiep";
const STOPS = "input:not([type=hidden], [type=file]), select:not(.origin), textarea, button[type=submit]";

export const entersNext = () => localStorage.getItem(NAME) !== "khong";

export function showSwitch(box) {
  box.checked = entersNext();
  box.addEventListener("change", () => localStorage.setItem(NAME, box.checked ? "co" : "khong"));
}

// What is chosen already, or has a usual answer (data-passed), is reached with Tab only.
const seen = (element) => element.checkVisibility() && !element.disabled;

// The first of each group of choices stands for all of them.
function stops(form) {
  const groups = new Set();
  return [...form.querySelectorAll(STOPS)].filter((element) => {
    if (!seen(element) || element.dataset.passed) return false;
    if (element.type !== "radio") return true;
    if (groups.has(element.name)) return false;
    groups.add(element.name);
    return true;
  });
}

export function focusNext(from) {
  const form = from.form ?? from.closest("form");
  const all = stops(form);
  const at = all.findIndex((element) => element === from || (from.type === "radio" && element.name === from.name));
  const next = all[at + 1];
  next?.focus();
  next?.select?.();
}

export function enterInBox(event) {
  const from = event.target;
  if (!(from instanceof HTMLInputElement || from instanceof HTMLSelectElement) || !from.form || from.closest("[role=search]")) return false;
  if (!entersNext()) return true;
  if (from.type === "checkbox") from.checked = true;
  focusNext(from);
  return true;
}
