// A slip for the family while their declaration has not reached the city. It is made here and not by the city's press,
// which is what cannot be reached: so it is no paper of the catalogue, has no code, and says what it is not.
import { clockText, dayText } from "./declare-fields.js";

const NOT_YET = "Phiếu này KHÔNG phải giấy khai sinh và KHÔNG phải giấy tiếp nhận hồ sơ. Khai báo còn ở máy của bệnh viện, chưa cơ quan nào tiếp nhận.";
const NEXT = [
  "Khi có mạng trở lại, máy tự gửi khai báo; ông/bà không phải khai lại.",
  "Hồ sơ được tiếp nhận thì bệnh viện báo mã hồ sơ và ngày hẹn trả kết quả. Thời hạn giải quyết tính từ lúc đó.",
  "Ra viện mà chưa được báo mã hồ sơ, xin ông/bà hỏi lại khoa và đưa phiếu này.",
];
const KEY_SHOWN = 18;

const moment = (ms) => `${clockText(ms)} ngày ${dayText(ms)}`;

function made(name, text, className = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

function bedOf({ phong, giuong }) {
  return [phong && `Phòng ${phong}`, giuong && `giường ${giuong}`].filter(Boolean).join(", ");
}

// What stands on it, as label and value; what is not known is left out.
export function rowsOf({ fields, label, key, queuedAt, madeAt, place }) {
  return [
    ["Khai báo", label],
    ["Họ, chữ đệm, tên dự kiến của bé", fields["be-ten"]],
    ["Số giấy chứng sinh", [fields["gcs-so"], fields["gcs-quyen"] && `quyển ${fields["gcs-quyen"]}`].filter(Boolean).join(", ")],
    ["Nằm tại", bedOf(fields)],
    ["Máy ghi lúc", moment(queuedAt ?? madeAt)],
    ["Mã trên máy (không phải mã hồ sơ)", key.slice(0, KEY_SHOWN)],
    ["Người ghi nhận", place?.officer],
  ].filter(([, value]) => value);
}

export function printSlip(place, draft) {
  const rows = document.createElement("dl");
  for (const [label, value] of rowsOf(draft)) rows.append(made("dt", label), made("dd", value));
  const next = document.createElement("ul");
  next.append(...NEXT.map((words) => made("li", words)));
  place.replaceChildren(
    made("p", draft.place?.hospital || "Cơ sở y tế nơi sinh", "office"),
    ...(draft.place?.ward ? [made("p", draft.place.ward, "ward")] : []),
    made("h2", "Phiếu đã ghi nhận, chờ gửi"),
    made("p", NOT_YET, "boxed"),
    rows,
    made("p", "Việc tiếp theo", "next"),
    next,
  );
  document.body.classList.add("slip-only");
  window.addEventListener("afterprint", () => document.body.classList.remove("slip-only"), { once: true });
  window.print();
}
