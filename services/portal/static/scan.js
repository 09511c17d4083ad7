// A scanner that acts as a keyboard, told from a person: onScan((scan, { element, text }) => …).
// Whatever field had the focus gets back what stood in it before; where the scan belongs is the callback's business.
// Speed alone is no proof: a quick hand types names that fast. What came quickly into a field and is neither a card nor a
// code stays there as it was typed, and Enter does what Enter does.
import { isCard, readScan } from "./scan-text.js";

const GAP_MS = 40;
const LENGTH_MIN = 8;
// A loaded machine passes keys on late. What has the shape of a card is no person's typing even then.
const SLOW_GAP_MS = 400;
const SLOW_MEAN_MS = 100;
const LENGTH_MAX = 2000;

// The signs typed lately, each with its moment and with what stood in the field before it.
export class Burst {
  #signs = [];

  add(sign, at, before) {
    if (this.#signs.length && at - this.#signs.at(-1).at > SLOW_GAP_MS) this.#signs = [];
    if (this.#signs.length < LENGTH_MAX) this.#signs.push({ sign, at, before });
  }

  // The input method takes a sign back to put a marked one in its place.
  takeBack() {
    this.#signs.pop();
  }

  clear() {
    this.#signs = [];
  }

  // Enter was pressed: the scan that ends here, or null.
  end(at) {
    const signs = this.#signs;
    this.#signs = [];
    const fast = this.#tail(signs, at, GAP_MS);
    const isLong = fast.length >= LENGTH_MIN;
    if (isLong && readScan(this.#text(fast)).kind !== "text") return this.#found(fast);
    return this.#slowCard(signs, at) ?? (isLong && fast[0].before.value === null ? this.#found(fast) : null);
  }

  #slowCard(signs, at) {
    const slow = this.#tail(signs, at, SLOW_GAP_MS);
    if (slow.length < LENGTH_MIN || (at - slow[0].at) / slow.length > SLOW_MEAN_MS) return null;
    const text = this.#text(slow);
    const start = Math.max(0, text.search(/\d{12}\||[A-Z]{2}\d{13}\||\d{10}\|/));
    return isCard(text.slice(start)) ? this.#found(slow.slice([...text.slice(0, start)].length)) : null;
  }

  #tail(signs, at, gap) {
    let start = signs.length;
    for (let next = at; start > 0 && next - signs[start - 1].at < gap; start -= 1) next = signs[start - 1].at;
    return signs.slice(start);
  }

  #text(signs) {
    return signs.map((one) => one.sign).join("");
  }

  #found(signs) {
    return { text: this.#text(signs), before: signs[0].before };
  }
}

const isField = (element) => element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
const isText = (element) => isField(element) && !["checkbox", "radio", "button", "submit", "file"].includes(element.type);

function snapshot(element) {
  return { element, value: isText(element) ? element.value : null };
}

function restore({ element, value }) {
  if (value === null || element.value === value) return;
  element.value = value;
  element.dispatchEvent(new Event("input", { bubbles: true }));
}

// `takes` says which scans the page has a use for; any other is left to the field it was typed into.
export function onScan(callback, { takes = () => true } = {}) {
  const burst = new Burst();
  // Letters that are no key of the layout come as input only, so fields are listened to by what they are given.
  document.addEventListener(
    "beforeinput",
    (event) => {
      if (event.inputType === "deleteContentBackward") burst.takeBack();
      else if (event.inputType === "insertText" && event.data) {
        for (const sign of event.data) burst.add(sign, event.timeStamp, snapshot(event.target));
      } else burst.clear();
    },
    { capture: true },
  );
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Enter" && !event.ctrlKey && !event.altKey) {
        const found = burst.end(event.timeStamp);
        const scan = found && readScan(found.text);
        if (!scan || !takes(scan)) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        restore(found.before);
        callback(scan, { element: found.before.element, text: found.text });
      } else if (event.key.length === 1 && !isText(event.target) && !event.ctrlKey && !event.altKey) {
        burst.add(event.key, event.timeStamp, snapshot(event.target));
      }
    },
    { capture: true },
  );
}
