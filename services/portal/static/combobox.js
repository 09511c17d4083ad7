// A text field with suggestions (WAI-ARIA combobox): arrows move, Enter takes, Esc closes, typing searches anew.
const WAIT_MS = 120;

// `search` gives [{ value, label }] for a text; `picked` is told the one taken, or null when the text was changed.
export function combobox(input, list, search, picked) {
  let shown = [];
  let marked = -1;
  let waiting = 0;
  let asked = 0;
  let composing = false;

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    marked = -1;
  };
  const mark = (index) => {
    marked = index;
    for (const [at, option] of [...list.children].entries()) option.setAttribute("aria-selected", String(at === index));
    const option = list.children[index];
    if (!option) return;
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const take = (index) => {
    input.value = shown[index].label;
    picked(shown[index]);
    close();
  };
  const show = (found) => {
    shown = found;
    list.replaceChildren(
      ...found.map(({ label }, index) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${index}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.textContent = label;
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(index);
        });
        return option;
      }),
    );
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    if (found.length) mark(0);
    else close();
  };
  const look = async () => {
    const mine = (asked += 1);
    const text = input.value.trim();
    const found = text.length < 2 ? [] : await search(text);
    if (mine === asked && document.activeElement === input) show(found);
  };
  const lookSoon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, WAIT_MS);
  };

  input.addEventListener("compositionstart", () => (composing = true));
  input.addEventListener("compositionend", () => {
    composing = false;
    lookSoon();
  });
  input.addEventListener("input", (event) => {
    if (!event.isTrusted || composing) return;
    picked(null);
    lookSoon();
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing || event.ctrlKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      mark((marked + step + shown.length) % shown.length);
    } else if (event.key === "Enter" && marked >= 0) {
      event.preventDefault();
      event.stopPropagation();
      take(marked);
    } else if (event.key === "Escape") close();
  });
}
