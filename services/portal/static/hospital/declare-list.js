// The outbox as its officer sees it: each declaration with a word for where it is, when it was typed and when it arrived.
import { clockText, dayText } from "./declare-fields.js";

const WORDS = {
  typing: ["đang nhập", "calm"],
  waiting: ["chờ gửi", "waiting"],
  sending: ["đang gửi", "working"],
  received: ["đã nhận", "ready"],
  error: ["cần sửa", "late"],
};

function wordOf({ state, dossier, passes }) {
  if (state === "error" && dossier) return ["đã có hồ sơ", "late"];
  return state === "error" && passes ? ["lỗi, gửi lại", "late"] : WORDS[state];
}

function made(name, text = "", attributes = {}) {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

const moment = (ms) => `${clockText(ms)} ngày ${dayText(ms)}`;

function times(draft) {
  const typed = draft.queuedAt ? `Máy này ghi lúc ${moment(draft.queuedAt)}` : `Bắt đầu nhập lúc ${moment(draft.madeAt)}`;
  return draft.receivedAt ? `${typed}; đến hệ thống lúc ${moment(Date.parse(draft.receivedAt))} (thời hạn tính từ lúc này)` : typed;
}

function buttonsOf(draft, acts) {
  const shown = {
    typing: [["Mở", "edit"], ["Bỏ", "drop"]],
    waiting: [["In phiếu", "print"]],
    sending: [["In phiếu", "print"]],
    received: [],
    // What is wrong with it stays wrong however often it is sent.
    error: [["Mở và sửa", "edit"], ...(draft.passes ? [["Gửi lại", "again"]] : []), ["Bỏ", "drop"]],
  }[draft.state];
  return shown.map(([words, act]) => {
    const button = made("button", words, { type: "button", "data-testid": `${act}-khai-bao` });
    button.append(made("span", ` ${draft.label}`, { class: "unseen" }));
    button.addEventListener("click", () => acts[act](draft));
    return button;
  });
}

function item(draft, acts) {
  const line = made("li", "", { "data-testid": "khai-bao", "data-trang-thai": draft.state, "data-ma": draft.code ?? "" });
  const [word, look] = wordOf(draft);
  const head = made("p", "", { class: "head" });
  head.append(made("strong", draft.label), " ", made("span", draft.state === "received" ? `${word} ${draft.code}` : word, { class: `tag tag-${look}` }));
  line.append(head, made("p", times(draft), { class: "hint" }));
  if (draft.state === "received") {
    if (draft.words) line.append(made("p", draft.words));
    for (const warning of draft.warnings ?? []) line.append(made("p", `Lưu ý: ${warning}`, { class: "warning" }));
  }
  for (const [, words] of draft.state === "error" ? draft.problems : []) line.append(made("p", words, { class: "error" }));
  if (draft.dossier) {
    const words = draft.state === "error" ? `Mở hồ sơ đã có ${draft.code}` : "Mở hồ sơ";
    line.append(made("a", words, { href: draft.dossier, "data-testid": "mo-ho-so", "aria-label": `${words}: ${draft.label}` }));
  }
  const buttons = buttonsOf(draft, acts);
  if (buttons.length) {
    const row = made("div", "", { class: "buttons" });
    row.append(...buttons);
    line.append(row);
  }
  return line;
}

// `acts` are what the buttons do; `hidden` when nobody has proved to be the officer: then only numbers are shown.
export function showList(root, { mine, waiting, others }, current, hidden, acts) {
  const listed = mine.filter((draft) => draft.key !== current);
  const list = root.querySelector("[data-danh-sach]");
  // A button that has the focus keeps it through the change.
  const focused = list.contains(document.activeElement);
  list.replaceChildren(...(hidden ? [] : listed.toReversed().map((draft) => item(draft, acts))));
  if (focused) root.querySelector("h2").focus();
  const count = root.querySelector("[data-so-cho]");
  const words = waiting ? `${waiting} khai báo chờ gửi` : "";
  if (count.textContent !== words) count.textContent = words;
  root.querySelector("[data-trong]").hidden = listed.length > 0;
  const colleague = root.querySelector("[data-cua-dong-nghiep]");
  colleague.hidden = others === 0;
  colleague.textContent = others ? `Đồng nghiệp còn ${others} khai báo chưa gửi trên máy này; người nhập đăng nhập thì mới gửi được.` : "";
}
