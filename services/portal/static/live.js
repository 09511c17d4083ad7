// A part of the page with data-live="/address" shows its state as the server sends it: whole, on every connection.
// While there is no connection a banner says since when what is seen may be old.
import { clock } from "./clock.js";

const AGAIN_MS = 1500;
const BANNER_AFTER_MS = 2500;
const SENDING_LOOK_MS = 100;

const waiting = new WeakMap();

function banner(text) {
  const place = document.getElementById("mat-ket-noi");
  place.hidden = !text;
  if (place.textContent !== text) place.textContent = text;
}

// A form in it that was just sent must not become a fresh one: a second press would send it again, under another key.
export function put(part, html) {
  clearTimeout(waiting.get(part));
  if (part.querySelector("form[data-sent]")) {
    waiting.set(part, setTimeout(() => put(part, html), SENDING_LOOK_MS));
    return;
  }
  // Somebody is reading or typing inside: what has focus keeps it by its id, and so does what was typed.
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const boxes = [...part.querySelectorAll("input[id], textarea[id]")].filter(({ type }) => ["text", "textarea"].includes(type));
  const typed = boxes.filter((box) => box.value !== box.defaultValue);
  part.innerHTML = html;
  for (const { id, value } of typed) {
    const box = document.getElementById(id);
    if (box) box.value = value;
  }
  window.htmx?.process(part);
  if (focused) document.getElementById(focused)?.focus();
  part.dispatchEvent(new CustomEvent("live:state", { bubbles: true }));
}

function follow(part) {
  let fresh = new Date();
  let lost = 0;
  let over = false;
  const connect = () => {
    const source = new EventSource(part.dataset.live);
    source.addEventListener("state", (event) => {
      fresh = new Date();
      put(part, event.data);
    });
    source.addEventListener("open", () => {
      clearTimeout(lost);
      lost = 0;
      banner("");
      part.dataset.liveState = "on";
    });
    source.addEventListener("signed-out", () => {
      over = true;
      source.close();
      banner("Phiên làm việc đã kết thúc. Hãy tải lại trang và đăng nhập lại.");
    });
    source.addEventListener("ended", () => {
      over = true;
      source.close();
      banner("Trang này không còn được cập nhật. Hãy tải lại trang.");
    });
    source.addEventListener("error", () => {
      source.close();
      if (over) return;
      part.dataset.liveState = "off";
      lost ||= setTimeout(() => banner(`Mất kết nối: dữ liệu lúc ${clock(fresh)}. Đang kết nối lại…`), BANNER_AFTER_MS);
      setTimeout(connect, AGAIN_MS);
    });
    window.addEventListener("pagehide", () => source.close(), { once: true });
  };
  connect();
}

export function followLive(root) {
  for (const part of root.querySelectorAll("[data-live]")) follow(part);
}
