// Nobody has used the desk for five minutes: what is on the screen is somebody's birth. Activity in any tab counts.
const IDLE_MS = 5 * 60 * 1000;
const LOOK_MS = 5000;
const NOTE_MS = 1000;
const USED = "bv-dung-luc";
const LOCKED = "bv-da-khoa";

const used = () => Number(localStorage.getItem(USED) ?? 0);
export const isLocked = () => localStorage.getItem(LOCKED) === "1";
// A page the server made for an officer proves that somebody has signed in.
export function unlocked() {
  localStorage.removeItem(LOCKED);
  localStorage.setItem(USED, String(Date.now()));
}

// Whether the session has ended.
async function signOut() {
  try {
    const answer = await fetch("/bv/phien", { headers: { Accept: "application/json" } });
    if (answer.status === 401) return true;
    if (!answer.ok) return false;
    const { csrf } = await answer.json();
    const ended = await fetch("/dang-xuat", { method: "POST", headers: { "X-CSRF": csrf }, body: new URLSearchParams(), redirect: "manual" });
    return ended.ok || ended.type === "opaqueredirect";
  } catch {
    return false;
  }
}

// For a page that cannot be used without a network: nothing of it stays, and the sign-in page comes once nobody is signed in, with the way
// back to `path`.
export const blank = (path) => ({
  lock() {
    const words = document.createElement("p");
    words.textContent = "Màn hình đã khóa vì không có ai dùng máy trong 5 phút.";
    document.querySelector("main").replaceChildren(words);
  },
  ended: () => location.assign(`/dang-nhap?tiep=${encodeURIComponent(path)}`),
});

// Calls `lock` when nobody has used any tab for IDLE_MS, or when another tab has locked, and `ended` once the session has:
// before that, the sign-in page would lead whoever comes by straight back. The function it gives goes on under the lock,
// for work that shows nothing of before: from then on only idleness locks again.
export function lockWhenIdle({ lock, ended = () => {} }) {
  let noted = 0;
  let resting = false;
  let underLock = false;
  const note = () => {
    if (resting || Date.now() - noted < NOTE_MS) return;
    noted = Date.now();
    localStorage.setItem(USED, String(noted));
  };
  const look = async () => {
    const idle = Date.now() - used() >= IDLE_MS;
    if (resting || !(idle || (isLocked() && !underLock))) return;
    resting = true;
    localStorage.setItem(LOCKED, "1");
    lock();
    // Without a network the session cannot end yet; the lock stays on this device, and it is tried again.
    while (resting && !(await signOut())) await new Promise((later) => setTimeout(later, LOOK_MS));
    if (resting) ended();
  };
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, note, { capture: true, passive: true });
  setInterval(look, LOOK_MS);
  look();
  return () => {
    resting = false;
    underLock = true;
    note();
  };
}
