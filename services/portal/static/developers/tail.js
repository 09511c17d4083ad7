// Events as they are said. Nothing is computed from them: each is shown as it came, with a link to what it means.
import { clock } from "../clock.js";

const ROWS_MAX = 200;

function element(name, text, more = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(more)) made.setAttribute(key, value);
  return made;
}

function row(event, names) {
  const item = element("li", "", { "data-testid": "su-kien", "data-type": event.type });
  const head = element("p");
  const link = element("a", names[event.type] ?? event.type, { href: `/dev/su-kien/${encodeURIComponent(event.type)}` });
  head.append(element("time", clock(new Date(event.time)), { datetime: event.time }), " ", link, " ", element("code", event.type, { lang: "en" }));
  const details = element("details");
  details.append(element("summary", "Xem sự kiện"), element("pre", JSON.stringify(event, null, 2), { tabindex: "0", lang: "en" }));
  item.append(head, details);
  return item;
}

function follow(place) {
  const { tail, types, after, dossier } = place.dataset;
  const forward = "forward" in place.dataset;
  const names = JSON.parse(place.dataset.names);
  const list = place.querySelector("[data-tail-list]");
  const state = place.querySelector("[data-tail-state]");
  const pause = place.querySelector("[data-tail-pause]");
  let held = [];
  let paused = false;
  let over = false;
  const say = (words) => { if (state.textContent !== words) state.textContent = words; };
  const put = (event) => {
    const made = row(event, names);
    if (forward) list.append(made);
    else list.prepend(made);
    while (list.children.length > ROWS_MAX) (forward ? list.firstChild : list.lastChild).remove();
  };
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) return say("Đang tạm dừng.");
    held.forEach(put);
    held = [];
    return say("Đang nghe.");
  });
  const source = new EventSource(`${tail}?${new URLSearchParams({ loai: types, sau: after })}`);
  source.addEventListener("open", () => { if (!paused) say("Đang nghe."); });
  source.addEventListener("message", ({ data }) => {
    const event = JSON.parse(data);
    if (dossier && event.subject !== dossier) return;
    if (!paused) return put(event);
    held = [...held, event].slice(-ROWS_MAX);
    return say(`Đang tạm dừng, ${held.length} sự kiện mới.`);
  });
  const end = (words) => () => {
    over = true;
    source.close();
    say(words);
  };
  source.addEventListener("signed-out", end("Phiên làm việc đã kết thúc. Hãy tải lại trang và đăng nhập lại."));
  source.addEventListener("ended", end("Cổng tích hợp không cho đọc tiếp. Hãy tải lại trang."));
  source.addEventListener("error", () => { if (!over) say("Mất kết nối. Đang kết nối lại…"); });
  window.addEventListener("pagehide", () => source.close(), { once: true });
  document.addEventListener("in-place:shown", () => source.close(), { once: true });
}

document.querySelectorAll("[data-tail]").forEach(follow);
