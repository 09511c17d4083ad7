// A form with data-in-place is sent by script, and a page that answers it takes this one's place: a page that came from a
// form could not be shown on Back. What the script cannot tell of (signed out, a service away) the browser sends and shows.
import { guardForms } from "../forms.js";
import { offerCopy } from "./copy.js";

const REFUSED = [400, 409, 422];

function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = document.querySelector("main");
  document.title = page.title;
  main.replaceChildren(...page.querySelector("main").childNodes);
  window.htmx?.process(main);
  guardForms(main);
  offerCopy(main);
  scrollTo(0, 0);
  main.querySelector("[data-focus]")?.focus();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-in-place]") || event.defaultPrevented) return;
  event.preventDefault();
  try {
    const answer = await fetch(form.action, { method: "POST", headers: { Accept: "text/html" }, body: new URLSearchParams(new FormData(form)) });
    if (answer.redirected) location.assign(answer.url);
    else if (answer.ok || REFUSED.includes(answer.status)) show(await answer.text());
    else form.submit();
  } catch {
    form.submit();
  }
});
