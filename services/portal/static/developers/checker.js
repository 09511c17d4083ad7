// The page of the signature checker: nothing typed into it is sent anywhere.
import { check, readHeaders } from "./signature.js";

const form = document.querySelector("[data-checker]");
const result = document.querySelector("[data-checked]");
form.hidden = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { ok, code, words } = await check({
    secret: form.elements.namedItem("bi-mat").value,
    headers: readHeaders(form.elements.namedItem("tieu-de").value),
    body: form.elements.namedItem("noi-dung-thu").value,
  });
  result.className = ok ? "notice" : "notice bad";
  result.dataset.code = code;
  result.textContent = words;
  result.hidden = false;
  result.focus();
});
