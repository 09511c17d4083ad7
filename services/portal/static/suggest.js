// A box that offers what fits while one types (data-suggest="/address"): ↑ ↓ move, Enter takes, Esc closes.
// Enter before anything is offered takes the best fit. Nothing is asked while the input method composes.
const WAIT_MS = 120;

class Suggest {
  #list;
  #timer = 0;
  #asked = 0;
  #active = -1;
  #rows = [];

  constructor(input, taken) {
    this.input = input;
    this.taken = taken;
    this.#list = document.getElementById(input.getAttribute("aria-controls"));
    input.addEventListener("input", (event) => {
      if (!event.isComposing) this.#later();
    });
    input.addEventListener("compositionend", () => this.#later());
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    input.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("mousedown", (event) => {
      const row = event.target.closest("[role=option]");
      if (row) this.#take([...this.#list.children].indexOf(row));
    });
  }

  close() {
    this.#list.hidden = true;
    this.#active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), WAIT_MS);
  }

  async #ask() {
    clearTimeout(this.#timer);
    const turn = ++this.#asked;
    const typed = this.input.value.trim();
    if (!typed) return this.close();
    const answer = await fetch(`${this.input.dataset.suggest}?q=${encodeURIComponent(typed)}`, { headers: { Accept: "application/json" } });
    if (turn !== this.#asked || !answer.ok) return undefined;
    this.#rows = await answer.json();
    this.#show();
    return undefined;
  }

  #show() {
    this.#list.replaceChildren(
      ...this.#rows.map((row, index) => {
        const item = document.createElement("li");
        item.id = `${this.#list.id}-${index}`;
        item.role = "option";
        const aside = document.createElement("span");
        aside.textContent = row.aside;
        item.append(row.words, " ", aside);
        return item;
      }),
    );
    this.#list.hidden = this.#rows.length === 0;
    this.input.setAttribute("aria-expanded", String(!this.#list.hidden));
    this.#move(this.#rows.length ? 0 : -1);
  }

  #move(to) {
    this.#active = to;
    [...this.#list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === to)));
    if (to >= 0) {
      this.input.setAttribute("aria-activedescendant", this.#list.children[to].id);
      this.#list.children[to].scrollIntoView({ block: "nearest" });
    }
  }

  async #key(event) {
    if (event.isComposing) return;
    const open = !this.#list.hidden;
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      this.close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) await this.#ask();
      else this.#move((this.#active + (event.key === "ArrowDown" ? 1 : this.#rows.length - 1)) % this.#rows.length);
    } else if (event.key === "Enter" && !event.ctrlKey && this.input.value.trim() && this.input.value !== this.input.dataset.chosen) {
      // The next box is not for a word that has not been taken.
      event.preventDefault();
      event.stopPropagation();
      if (!open) await this.#ask();
      if (this.#rows.length) this.#take(Math.max(this.#active, 0));
    }
  }

  #take(index) {
    const row = this.#rows[index];
    this.input.value = row.words;
    if (!this.input.dataset.code) this.input.value = row.value;
    this.input.dataset.chosen = this.input.value;
    this.close();
    this.taken(this.input, row);
  }
}

export function suggestIn(root, taken) {
  for (const input of root.querySelectorAll("[data-suggest]")) {
    input.dataset.chosen = input.value;
    new Suggest(input, taken);
  }
}
