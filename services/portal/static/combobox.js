// A text box that offers what fits while one types (WAI-ARIA APG: combobox with a list): ↑ ↓ move and open, Enter takes,
// Esc closes. The focus stays in the box. Nothing is looked for while the input method composes.
import { tellKey } from "./keys.js";

const WAIT_MS = 120;

// Which of `count` options is marked after an arrow; -1 is none.
export function nextMark(marked, key, count) {
  if (!count) return -1;
  if (key === "ArrowDown") return (marked + 1) % count;
  return marked <= 0 ? count - 1 : marked - 1;
}

// The options of a list of { words, aside }, as elements.
export function showRows(list, rows) {
  const options = rows.map(({ words, aside }, index) => {
    const option = document.createElement("li");
    option.id = `${list.id}-${index}`;
    option.setAttribute("role", "option");
    option.append(words);
    if (aside) {
      const more = document.createElement("span");
      more.textContent = aside;
      option.append(" ", more);
    }
    return option;
  });
  list.replaceChildren(...options);
  list.hidden = !options.length;
  return options;
}

// find(text)        what fits, null for nothing to show
// show(list, found) puts it into the list, gives the options that can be taken
// take(found, at)   one was taken; what the box then holds counts as chosen
// changed()         a person typed over what was chosen
// least             letters before anything is looked for
// marksFirst        the best fit is marked at once, so that Enter takes it
// insists           Enter looks and takes also before anything was offered: a word nobody took is not left behind
// It gives a way to look at once, however few letters there are: how many fit, null for nothing to show, undefined when
// the person has gone on meanwhile.
export function combobox(input, list, { find, take, show = showRows, changed = () => {}, least = 1, marksFirst = true, insists = false }) {
  let found = null;
  let foundFor = "";
  let options = [];
  let marked = -1;
  let waiting = 0;
  let asked = 0;
  let chosen = input.value;

  const mark = (at) => {
    marked = at;
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    if (at < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", options[at].id);
    options[at].scrollIntoView({ block: "nearest" });
    return undefined;
  };
  const close = () => {
    clearTimeout(waiting);
    asked += 1;
    list.hidden = true;
    options = [];
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  };
  const look = async (from = least) => {
    clearTimeout(waiting);
    const mine = (asked += 1);
    const text = input.value.trim();
    if (text.length < from) return close();
    const fits = await find(text);
    if (mine !== asked || document.activeElement !== input) return undefined;
    if (fits === null) {
      close();
      return null;
    }
    found = fits;
    foundFor = text;
    options = show(list, found);
    input.setAttribute("aria-expanded", String(!list.hidden));
    mark(marksFirst && options.length ? 0 : -1);
    return options.length;
  };
  const lookSoon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, WAIT_MS);
  };
  const took = (at) => {
    const from = found;
    close();
    take(from, at);
    chosen = input.value;
  };

  async function onKey(event) {
    if (event.isComposing || event.ctrlKey || event.altKey) return;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (options.length) mark(nextMark(marked, key, options.length));
      else await look();
    } else if (key === "Escape") {
      // An open list takes the key; the page must not act on it too. One that is on its way does not open any more.
      if (!list.hidden) {
        event.preventDefault();
        event.stopPropagation();
      }
      close();
    } else if (key === "Enter" && (marked >= 0 || (insists && input.value.trim() && input.value !== chosen))) {
      event.preventDefault();
      event.stopPropagation();
      // A quick typist's Enter is for what stands there now, not for what was offered for its first letters.
      const text = input.value.trim();
      if (!options.length || foundFor !== text) await look();
      if (options.length && foundFor === text && input.value.trim() === text) took(Math.max(marked, 0));
    }
  }

  tellKey(["ArrowUp", "ArrowDown", "Enter", "Escape"], "Trong gợi ý: chuyển dòng, chọn, đóng");
  input.addEventListener("input", (event) => {
    if (event.isTrusted) changed();
    if (!marksFirst) mark(-1);
    if (!event.isComposing) lookSoon();
  });
  input.addEventListener("compositionend", lookSoon);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", onKey);
  // A press on the list must not take the focus out of the box.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const at = options.findIndex((option) => option.contains(event.target));
    if (at >= 0) took(at);
  });

  return async () => {
    const text = input.value.trim();
    const count = await look(0);
    return input.value.trim() === text ? count : undefined;
  };
}
