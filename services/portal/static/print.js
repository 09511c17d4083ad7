// Prints a paper from a hidden frame, so that the page stays and the cursor with it. With --kiosk-printing no dialog opens.
const FRAME = "in-an";

export function printPaper(address) {
  document.getElementById(FRAME)?.remove();
  const frame = document.createElement("iframe");
  frame.id = FRAME;
  frame.className = "print-frame";
  frame.title = "Giấy đang in";
  frame.setAttribute("aria-hidden", "true");
  frame.tabIndex = -1;
  frame.addEventListener("load", () => {
    const focused = document.activeElement;
    frame.contentWindow.print();
    focused?.focus();
  });
  frame.src = address;
  document.body.append(frame);
}
