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

async function signOut() {
  try {
    const answer = await fetch("/bv/phien", { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { csrf } = await answer.json();
    await fetch("/dang-xuat", { method: "POST", headers: { "X-CSRF": csrf }, body: new URLSearchParams(), redirect: "manual" });
  } catch {
    // Without a network there is no session to end but the cookie; the lock stays on this device.
  }
}

// Calls `lock` when nobody has used any tab for IDLE_MS, or when another tab has locked. The function it gives goes on
// under the lock, for work that shows nothing of before: from then on only idleness locks again.
export function lockWhenIdle(lock) {
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
    await signOut();
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
