// Printing the page prints the papers ticked, or all of them when none is.
const button = document.querySelector("[data-print]");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
