// What is wrong with a declaration, and where it is shown.
import { isReadable } from "./declare-checks.js";
import { read } from "./declare-fields.js";
import { session } from "./outbox.js";

// Longer than this nobody waits to read what the page knows already.
const ALSO_MS = 1500;

const nameOrder = (form) => [...form.elements].map((element) => element.name);

// What the page itself can see to be missing or unreadable; the city checks everything once more.
function wrong(form, fields) {
  const needed = JSON.parse(form.dataset.can);
  const kinds = JSON.parse(form.dataset.dang);
  const found = needed.filter(([name]) => !fields[name]?.trim());
  for (const [name, kind, words] of kinds) {
    if (fields[name]?.trim() && !isReadable(kind, fields[name])) found.push([name, words]);
  }
  const order = nameOrder(form);
  return found.sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]));
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The same words above and at the field, as macros/form.html writes them; the focus goes to the summary.
export function showProblems(form, problems, known = "") {
  const place = form.querySelector("#cho-loi");
  place.replaceChildren();
  for (const old of form.querySelectorAll("p.error")) old.remove();
  for (const old of form.querySelectorAll(".field.wrong")) old.classList.remove("wrong");
  for (const old of form.querySelectorAll("[aria-invalid]")) {
    old.removeAttribute("aria-invalid");
    old.removeAttribute("aria-describedby");
  }
  document.title = document.title.replace(/^Lỗi: /, "");
  if (!problems.length) return;
  const items = problems.map(([name, words]) => {
    const field = document.getElementById(name);
    if (!field) return element("li", {}, words);
    const box = field.closest(".field");
    const message = element("p", { class: "error", id: `${name}-loi` }, element("span", { class: "unseen" }, "Lỗi: "), words);
    box.classList.add("wrong");
    box.querySelector("label, legend").after(message);
    if (field.matches("input, select, textarea")) {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", message.id);
    }
    box.closest("[hidden]")?.removeAttribute("hidden");
    return element("li", {}, element("a", { href: `#${name}` }, words));
  });
  const heading = element("h2", { id: "loi-ten" }, "Có thông tin cần sửa");
  const attributes = { class: "error-summary", role: "alert", tabindex: "-1", "aria-labelledby": "loi-ten", "data-testid": "tom-tat-loi" };
  const summary = element("div", attributes, heading, element("ul", {}, ...items));
  if (known) summary.append(element("p", {}, element("a", { href: known }, "Mở hồ sơ đã có của ca sinh này")));
  place.append(summary);
  document.title = `Lỗi: ${document.title}`;
  summary.focus();
}

async function asked(fields) {
  const { csrf } = await session();
  if (!csrf) return [];
  const answer = await fetch("/bv/khai-bao/kiem", {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { Accept: "application/json", "X-CSRF": csrf },
    signal: AbortSignal.timeout(ALSO_MS),
  });
  return answer.ok ? (await answer.json()).problems : [];
}

// A network that answers nothing is none: whose session it is, and what the city says, are waited for together.
function askedInTime(fields) {
  const late = new Promise((resolve) => setTimeout(resolve, ALSO_MS, []));
  return Promise.race([asked(fields).catch(() => []), late]);
}

// What the page sees with what only the city can say of the other fields, so that both are mended in one round; without a
// network what the page sees. A field filled in while the city was asked is judged as it stands now; `mended` is that
// nothing is wrong any more, of what may be half typed yet.
export async function allWrong(form) {
  const fields = read(form);
  const seen = wrong(form, fields);
  if (!seen.length || !navigator.onLine) return { problems: seen, mended: false };
  const told = await askedInTime(fields);
  const now = read(form);
  const still = wrong(form, now);
  const names = new Set(still.map(([name]) => name));
  const also = told.filter(([name]) => !names.has(name) && fields[name] === now[name]);
  const order = nameOrder(form);
  const problems = [...still, ...also].sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]));
  return { problems, mended: !problems.length };
}
