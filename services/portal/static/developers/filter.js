// The catalogue as one types: the same rule as the server's (every word stands somewhere), without a request.
export const fits = (text, asked) => asked.toLowerCase().normalize("NFC").split(/\s+/).every((word) => text.includes(word));

const form = globalThis.document?.querySelector("[data-filter]");
if (form) {
  const box = form.querySelector("input");
  const count = document.querySelector("[data-filter-count]");
  const items = [...document.querySelectorAll("[data-filter-text]")];
  const filter = () => {
    let seen = 0;
    for (const item of items) {
      item.hidden = !fits(item.dataset.filterText, box.value);
      seen += Number(!item.hidden);
    }
    for (const group of document.querySelectorAll("[data-filter-group]")) {
      group.hidden = !group.querySelector("[data-filter-text]:not([hidden])");
    }
    count.textContent = `${seen} / ${items.length} loại sự kiện`;
  };
  box.addEventListener("input", (event) => {
    if (!event.isComposing) filter();
  });
  box.addEventListener("compositionend", filter);
}
