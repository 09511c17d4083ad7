// A form is sent once however often its button is pressed, and its errors are ours, not the browser's.
const SENT_FOR_MS = 8000;

export function guardForms(root) {
  for (const form of root.querySelectorAll("form")) form.noValidate = true;
}

// For another try: the form was answered, or nobody answered.
export function release(form) {
  clearTimeout(form.dataset.sent);
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method === "dialog") return;
  if (form.dataset.sent) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-disabled", "true");
  form.dataset.sent = setTimeout(() => release(form), SENT_FOR_MS);
  form.addEventListener("htmx:finally:request", () => release(form), { once: true });
}, { capture: true });

// A file input is drawn in our words (macros/form.html): the name of what was chosen stands in its label.
const NOTHING_CHOSEN = "Chưa chọn tệp";
function showChosen(input) {
  const place = input.closest(".chooser")?.querySelector("[data-chosen]");
  if (place) place.textContent = [...input.files].map(({ name }) => name).join(", ") || NOTHING_CHOSEN;
}
export function showAllChosen() {
  document.querySelectorAll(".chooser input").forEach(showChosen);
}
document.addEventListener("change", (event) => {
  if (event.target.matches?.(".chooser input")) showChosen(event.target);
});
document.addEventListener("reset", () => setTimeout(showAllChosen));
// Browsers keep the chosen files when a page is loaded again.
window.addEventListener("pageshow", showAllChosen);

// A page taken back from the browser's memory must be usable again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("form[data-sent]").forEach(release);
});
