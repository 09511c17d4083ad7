// A form with data-in-place is sent by script, and a page that answers it takes this one's place: a page that came from a
// form could not be shown on Back. Who is signed out, and whose service is away, gets the browser's own way of sending.
import { guardForms } from "./forms.js";

function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = document.querySelector("main");
  document.title = page.title;
  main.replaceChildren(...page.querySelector("main").childNodes);
  window.htmx?.process(main);
  guardForms(main);
  document.dispatchEvent(new CustomEvent("in-place:shown"));
  scrollTo(0, 0);
  // The button that had the focus is gone; without a place of its own the answer is read from its top.
  (main.querySelector("[data-focus]") ?? main).focus();
}

// An answer with X-Sign-In is the sign-in page instead of what was asked for.
const isShown = (answer) => answer.status < 500 && !answer.headers.has("X-Sign-In");

// The browser's own way of sending knows nothing of the button that was pressed.
function sendItself(form, submitter) {
  const pressed = document.createElement("input");
  pressed.type = "hidden";
  if (submitter?.name) Object.assign(pressed, { name: submitter.name, value: submitter.value });
  form.append(pressed);
  form.submit();
  pressed.remove();
}

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (!form.matches("[data-in-place]") || event.defaultPrevented) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, submitter));
  try {
    const answer = await fetch(form.action, { method: "POST", headers: { Accept: "text/html", "In-Place": "1" }, body });
    // Where to go on (services/portal/guard.py), at the place on that page which the form's own address names.
    if (answer.status === 204) location.assign(answer.headers.get("Location") + new URL(form.action).hash);
    else if (isShown(answer)) show(await answer.text());
    else sendItself(form, submitter);
  } catch {
    sendItself(form, submitter);
  }
});
