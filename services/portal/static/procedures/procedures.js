// Search while typing: a moment after the last key, and never in the middle of a Vietnamese letter being composed.
const PAUSE_MS = 120;
const box = document.getElementById("q");
let waiting = 0;

function later() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    box.dispatchEvent(new CustomEvent("tim"));
    // Going back from a procedure finds the same list.
    const address = new URL(location.href);
    if (box.value.trim()) address.searchParams.set("q", box.value);
    else address.searchParams.delete("q");
    history.replaceState(history.state, "", address);
  }, PAUSE_MS);
}

box.addEventListener("input", (event) => {
  if (!event.isComposing) later();
});
box.addEventListener("compositionend", later);
