// The list of papers: 1 2 3 say Có, Thiếu, Không áp dụng; ↑ ↓ move; the space bar says Có and moves on.
import { focusNext } from "../next-box.js";

const MARKS = ["1", "2", "3"];
export const PAPER_KEYS = [
  [MARKS, "Trong danh sách giấy tờ: Có, Thiếu, Không áp dụng"],
  [["ArrowUp", "ArrowDown"], "Trong danh sách giấy tờ: chuyển dòng"],
  [" ", "Trong danh sách giấy tờ: Có, rồi xuống dòng"],
];

function radios(row) {
  return [...row.querySelectorAll("input[type=radio]")];
}

function focusRow(row) {
  (radios(row).find((radio) => radio.checked) ?? radios(row)[0]).focus();
}

function mark(row, index) {
  const radio = radios(row)[index];
  radio.checked = true;
  radio.focus();
  row.classList.add("marked");
  radio.dispatchEvent(new Event("change", { bubbles: true }));
}

export function paperKey(event) {
  const row = event.target.closest?.("[data-paper]");
  if (!row || event.target.type !== "radio") return false;
  const rows = [...row.closest("[data-papers]").querySelectorAll("[data-paper]")];
  const at = rows.indexOf(row);
  if (MARKS.includes(event.key)) mark(row, MARKS.indexOf(event.key));
  else if (event.key === "ArrowDown") focusRow(rows[Math.min(at + 1, rows.length - 1)]);
  else if (event.key === "ArrowUp") focusRow(rows[Math.max(at - 1, 0)]);
  else {
    mark(row, 0);
    if (at + 1 < rows.length) focusRow(rows[at + 1]);
    else focusNext(event.target);
  }
  return true;
}
