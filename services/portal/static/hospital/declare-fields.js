// The fields of a declaration: reading, writing, what is new by itself, and what a scanned card fills.
import { isWoman } from "../scan-text.js";

// A second child of the same birth shares everything but these.
const OWN_OF_CHILD = ["gioi-tinh", "can-nang", "be-ten", "gcs-so"];
const NOT_KEPT = new Set(["_csrf", "khoa"]);

const two = (number) => String(number).padStart(2, "0");
// The wall clock in Việt Nam, whatever the device's zone.
export const there = (ms) => new Date(ms + 7 * 3600 * 1000);
export const dayText = (ms) => ((at) => `${two(at.getUTCDate())}/${two(at.getUTCMonth() + 1)}/${at.getUTCFullYear()}`)(there(ms));
export const clockText = (ms) => ((at) => `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`)(there(ms));

export function fresh(ms) {
  return {
    "me-dan-toc": "01",
    "ngay-sinh": dayText(ms),
    "gio-sinh": clockText(ms),
    "gcs-ngay": dayText(ms),
    "gcs-quyen": `01/${there(ms).getUTCFullYear()}`,
    "so-con": "1",
    "thu-tu": "1",
  };
}

export function read(form) {
  const fields = {};
  for (const [name, value] of new FormData(form)) if (!NOT_KEPT.has(name)) fields[name] = value;
  return fields;
}

export function write(form, fields) {
  for (const element of form.elements) {
    if (!element.name || NOT_KEPT.has(element.name)) continue;
    const value = fields[element.name] ?? "";
    delete element.dataset.typed;
    if (element.type === "radio" || element.type === "checkbox") element.checked = element.value === value;
    else element.value = value;
  }
}

// A name typed without any capital gets them, once: typed so again it is meant.
const NAMES = new Set(["me-ten", "cha-ten", "be-ten", "do-de"]);
export function giveCapitals(field) {
  const text = field.value;
  if (!NAMES.has(field.name) || text !== text.toLowerCase() || field.dataset.typed === text) return;
  field.dataset.typed = text;
  field.value = text.normalize("NFC").replace(/(?<=^|[\s-])\p{L}/gu, (letter) => letter.toUpperCase());
}

// Whether anything was typed that is not there by itself.
export function isTouched(fields) {
  const always = new Set(["me-dan-toc", "ngay-sinh", "gio-sinh", "gcs-ngay", "gcs-quyen", "so-con", "thu-tu"]);
  return Object.entries(fields).some(([name, value]) => value && !always.has(name));
}

export function sibling(fields) {
  const next = { ...fields, "doi-chieu": fields["doi-chieu"] ?? "" };
  for (const name of OWN_OF_CHILD) next[name] = "";
  return next;
}

export function labelOf(fields) {
  const child = { 1: "bé trai", 2: "bé gái", 3: "bé" }[fields["gioi-tinh"]] ?? "bé";
  return `${fields["me-ten"] || "Chưa ghi tên mẹ"} – ${child}, ${fields["gio-sinh"]} ngày ${fields["ngay-sinh"]}`;
}

// Where a scanned card belongs, by whose number it is; returns the field to go on with.
export function fillFrom(form, scan) {
  const set = (name, value) => (form.elements[name].value = value);
  if (scan.kind === "insurance-card") {
    set("me-bhyt", scan.number);
    return "phong";
  }
  if (!isWoman(scan.number)) {
    set("cha-so", scan.number);
    set("cha-ten", scan.name);
    set("cha-ngay-sinh", scan.birthDay);
    return scan.name ? "cu-tru" : "cha-ten";
  }
  set("me-so", scan.number);
  set("me-ten", scan.name);
  set("me-ngay-sinh", scan.birthDay);
  set("the-so", scan.number);
  set("the-so-cu", scan.oldNumber);
  set("the-ten", scan.name);
  set("the-ngay-sinh", scan.birthDay);
  if (scan.address) {
    set("cu-tru", scan.address);
    set("cu-tru-xa", "");
    set("cu-tru-xa-ten", "");
  }
  return scan.name ? "me-dien-thoai" : "me-ten";
}

// Where the mother's identity comes from, and whether it still is what the card says.
export function sourceOf(fields) {
  const card = fields["the-so"];
  if (!card || card !== fields["me-so"]) {
    return { words: fields["me-so"] ? "Nhập tay: cán bộ hộ tịch sẽ được báo để kiểm tra kỹ." : "", differs: false };
  }
  const pairs = [["the-ten", "me-ten"], ["the-ngay-sinh", "me-ngay-sinh"]];
  const differs = pairs.some(([read, typed]) => fields[read] && fields[read] !== fields[typed]);
  return { words: differs ? "Đã quét thẻ, nhưng thông tin đã sửa khác thẻ." : "Đã quét thẻ.", differs };
}
