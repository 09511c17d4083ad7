// A form with data-in-place is sent by script, and a page that answers it takes this one's place: a page that came from a
// form could not be shown on Back. Who is signed out gets the browser's own way of sending. Where nobody answers the form
// stays as it was typed: sent once more by itself it might be done twice, and the page of an error has nothing of it.
import { guardForms, release } from "./forms.js";

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
const SIGN_IN_FIRST = "X-Sign-In";
const UNANSWERED =
  "Hệ thống đang bận hoặc mất kết nối, chưa rõ việc này đã xong hay chưa. Nội dung đã nhập vẫn còn, hãy thử lại sau ít giây.";

function tellUnanswered(form) {
  const notice = document.createElement("p");
  Object.assign(notice, { className: "notice bad", tabIndex: -1, textContent: UNANSWERED });
  notice.setAttribute("role", "alert");
  notice.dataset.testid = "khong-tra-loi";
  if (form.previousElementSibling?.dataset.testid === notice.dataset.testid) form.previousElementSibling.remove();
  form.before(notice);
  notice.focus();
  release(form);
}

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
    else if (answer.headers.has(SIGN_IN_FIRST)) sendItself(form, submitter);
    else if (answer.status >= 500) tellUnanswered(form);
    else show(await answer.text());
  } catch {
    tellUnanswered(form);
  }
});
