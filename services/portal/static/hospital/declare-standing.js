// What stands above the form of a birth: until when it counts from today, and whether there is a network.
import { there } from "./declare-fields.js";

const at = (name) => document.querySelector(`[${name}]`);

export function showCutoff() {
  const place = at("data-moc");
  const now = there(Date.now());
  const [hours, minutes] = place.dataset.moc.split(":").map(Number);
  const left = hours * 60 + minutes - (now.getUTCHours() * 60 + now.getUTCMinutes());
  const isOff = place.dataset.nghi.split(" ").includes(now.toISOString().slice(0, 10));
  const clock = `${hours} giờ${minutes ? ` ${minutes}` : ""}`;
  let words = `Gửi trước ${clock} để tính từ hôm nay — còn ${left >= 60 ? `${Math.floor(left / 60)} giờ ` : ""}${left % 60} phút`;
  if (isOff) words = "Hôm nay là ngày nghỉ: thời hạn tính từ ngày làm việc tiếp theo";
  else if (left <= 0) words = `Đã quá ${clock}: thời hạn tính từ ngày làm việc tiếp theo`;
  if (place.textContent !== words) place.textContent = words;
}

export function showConnection({ connected, signIn }) {
  const words = connected ? "Có mạng" : "Mất mạng: vẫn khai báo được, sẽ tự gửi khi có mạng";
  const place = at("data-ket-noi");
  if (place.textContent !== words) place.textContent = words;
  place.dataset.ketNoi = connected ? "co" : "mat";
  if (signIn !== undefined) at("data-can-dang-nhap").hidden = !signIn;
}
