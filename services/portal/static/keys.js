// One listener and one table for all keys; F1 shows the table of the page. A page adds its own with `addKey`, and listens to
// no key elsewhere, so that no key works untold (tests/unit/portal/test_keys.py).
// Nothing is a single letter: the Vietnamese input method and screen readers need them (WCAG 2.1.4).
const table = [];
const NAMES = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", " ": "phím cách", Escape: "Esc" };
// More keys than these of one meaning are told as first and last.
const KEYS_TOLD_MAX = 4;

// One key or chord, or a list of them. `act` gives false when the key was not for it: then it does what it always does.
export function addKey(keys, words, act) {
  table.push({ keys: [keys].flat(), words, act });
}

// A key that an element answers to by itself, wherever the page has such elements.
export function tellKey(keys, words) {
  if (!table.some((one) => one.words === words)) addKey(keys, words, () => false);
}

function chordOf(event) {
  const parts = [];
  if (event.ctrlKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.metaKey) parts.push("Meta");
  if (event.shiftKey) parts.push("Shift");
  parts.push(event.key.length === 1 ? event.key.toUpperCase() : event.key);
  return parts.join("+");
}

function keysOf({ keys }) {
  const made = keys.map((key) => {
    const name = document.createElement("kbd");
    name.textContent = NAMES[key] ?? key;
    return name;
  });
  const told = made.length > KEYS_TOLD_MAX ? [made[0], "–", made.at(-1)] : made;
  return told.flatMap((one) => [" ", one]).slice(1);
}

function showCard() {
  const card = document.getElementById("phim-tat");
  const list = card.querySelector("dl");
  list.replaceChildren();
  for (const one of table) {
    const key = document.createElement("dt");
    key.append(...keysOf(one));
    const meaning = document.createElement("dd");
    meaning.textContent = one.words;
    list.append(key, meaning);
  }
  card.showModal();
}

export function bindKeys() {
  addKey("F1", "Xem bảng phím tắt", showCard);
  for (const element of document.querySelectorAll("[data-key]")) {
    addKey(element.dataset.key, element.dataset.keyWords ?? element.textContent.trim(), () => {
      if (element.matches("input, select, textarea, [tabindex]")) element.focus();
      else element.click();
    });
  }
  document.addEventListener("keydown", (event) => {
    // An open dialog has the keys to itself: Escape closes it.
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    const chord = chordOf(event);
    const taken = table.some(({ keys, act }) => keys.includes(chord) && act(event) !== false);
    if (taken) event.preventDefault();
  });
}
