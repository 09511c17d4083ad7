// Keys of the form of a birth: Enter goes on, a digit says the sex.
import { addKey } from "../keys.js";

// What is typed next takes the place of what a field was filled with.
export function goTo(field) {
  field?.focus();
  if (field?.matches("input[type=text]")) field.select();
}

// Enter goes on to the next field, as in the accounting software everybody knows.
function nextField(form, event) {
  const { target } = event;
  if (!form.contains(target) || !target.matches("input, select")) return false;
  const fields = [...form.elements].filter((one) => one.matches("input:not([type=hidden]), select, button.main") && one.offsetParent);
  const group = target.type === "radio" ? fields.findLastIndex((one) => one.name === target.name) : fields.indexOf(target);
  const next = fields[group + 1];
  return goTo(next?.type === "radio" ? (form.querySelector(`[name="${next.name}"]:checked`) ?? next) : next);
}

function sexByDigit(event, saveSoon) {
  const choice = event.target.closest("#gioi-tinh")?.querySelector(`input[value="${event.key}"]`);
  if (!choice) return false;
  choice.checked = true;
  choice.focus();
  return saveSoon();
}

export function bindFormKeys(form, saveSoon) {
  // With Shift or Alt too: who has held it for a name's capitals goes on. The browser itself would send the birth.
  addKey(["Enter", "Shift+Enter", "Alt+Enter"], "Sang ô tiếp theo", (event) => nextField(form, event));
  addKey(["1", "2", "3"], "Ở Giới tính: Nam, Nữ, chưa xác định", (event) => sexByDigit(event, saveSoon));
}
