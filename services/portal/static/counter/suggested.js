// Boxes of the desk that know what fits (data-suggest="/address"): procedures, communes, health facilities.
import { combobox } from "../combobox.js";

async function fitting(address, text) {
  const answer = await fetch(`${address}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : null;
}

// `taken` is told the box and the row; a box with a code of its own (data-code) shows the words alone.
export function suggestIn(root, taken) {
  for (const input of root.querySelectorAll("[data-suggest]")) {
    combobox(input, document.getElementById(input.getAttribute("aria-controls")), {
      find: (text) => fitting(input.dataset.suggest, text),
      take: (rows, at) => {
        input.value = input.dataset.code ? rows[at].words : rows[at].value;
        taken(input, rows[at]);
      },
      insists: true,
    });
  }
}
