// The device waits until an officer has typed its code, then shows which device it is.
const AGAIN_MS = 2000;
const status = document.querySelector("[data-ghep-noi]");
const csrf = document.querySelector("meta[name=csrf]").content;

async function look() {
  try {
    const answer = await fetch("/thiet-bi/cho", { method: "POST", headers: { "X-CSRF": csrf }, body: new URLSearchParams() });
    const { state } = answer.ok ? await answer.json() : { state: "waiting" };
    if (state === "paired") return location.replace("/thiet-bi");
    if (state === "over") {
      document.querySelector("[data-testid=ma-ghep-noi]").remove();
      status.textContent = "Mã đã hết hiệu lực. Hãy lấy mã khác.";
      return undefined;
    }
  } catch {
    // The network is away for a moment: ask again.
  }
  setTimeout(look, AGAIN_MS);
  return undefined;
}

look();
