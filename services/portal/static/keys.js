// One listener and one table for all keys; F1 shows the table of the page. A page adds its own with `addKey`.
// Nothing is a single letter: the Vietnamese input method and screen readers need them (WCAG 2.1.4).
const table = new Map();

export function addKey(chord, words, act) {
  table.set(chord, { words, act });
}

function chordOf(event) {
  const parts = [];
  if (event.ctrlKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey) parts.push("Shift");
  parts.push(event.key.length === 1 ? event.key.toUpperCase() : event.key);
  return parts.join("+");
}

function showCard() {
  const card = document.getElementById("phim-tat");
  const list = card.querySelector("dl");
  list.replaceChildren();
  for (const [chord, { words }] of table) {
    const key = document.createElement("dt");
    const name = document.createElement("kbd");
    name.textContent = chord;
    key.append(name);
    const meaning = document.createElement("dd");
    meaning.textContent = words;
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
    const found = table.get(chordOf(event));
    if (!found) return;
    event.preventDefault();
    found.act(event);
  });
}
