// A button that copies the code beside it; it is there only where the browser lets it.
const SAID_MS = 2500;

function offerCopy(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    const words = button.firstChild;
    const before = words.textContent;
    button.addEventListener("click", async () => {
      const text = button.closest("figure").querySelector("code").textContent;
      try {
        await navigator.clipboard.writeText(text);
        words.textContent = "Đã chép";
      } catch {
        words.textContent = "Không chép được";
      }
      setTimeout(() => { words.textContent = before; }, SAID_MS);
    });
  }
}

offerCopy(document);
document.addEventListener("in-place:shown", () => offerCopy(document.querySelector("main")));
