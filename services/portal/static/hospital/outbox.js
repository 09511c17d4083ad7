// Declarations on this device (IndexedDB), and the one drainer that sends them, whatever tabs are open.
import { afterAnswer, isToForget, mayReplace, mayTakeBack, toSend } from "./outbox-rules.js";

const STORE = "khai-bao";
const META = "may-nay";
const AGAIN_MS = 4000;
const ANSWER_MS = 20000;
const LOCK = "bv-hop-gui";
const channel = "BroadcastChannel" in self ? new BroadcastChannel(LOCK) : null;

let opened;
function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("mot-cua-bv", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORE, { keyPath: "key" });
      request.result.createObjectStore(META);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

// The promise is kept when the disk has it, not when the request is made.
async function inStore(name, mode, act) {
  const base = await database();
  return new Promise((resolve, reject) => {
    const transaction = base.transaction(name, mode, { durability: "strict" });
    const request = act(transaction.objectStore(name));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const all = () => inStore(STORE, "readonly", (store) => store.getAll());
export const find = (key) => inStore(STORE, "readonly", (store) => store.get(key));
export const remembered = (name) => inStore(META, "readonly", (store) => store.get(name));
export const remember = (name, value) => inStore(META, "readwrite", (store) => store.put(value, name));

// Puts what `made` makes of the stored draft, looked at and put in one transaction; null leaves it as it is.
async function change(key, made) {
  let next = null;
  await inStore(STORE, "readwrite", (store) => {
    const request = store.get(key);
    request.onsuccess = () => {
      next = made(request.result);
      if (next) store.put(next);
    };
  });
  if (next) changed();
  return next;
}

// Whether it was put: what is on its way is not overwritten by what was typed.
export const put = async (draft) => Boolean(await change(draft.key, (kept) => (mayReplace(kept, draft) ? draft : null)));

// The draft, to be typed in again; null when it is on its way already.
export const takeBack = (key) => change(key, (kept) => (mayTakeBack(kept) ? { ...kept, state: "typing", held: false } : null));

export async function remove(key) {
  await inStore(STORE, "readwrite", (store) => store.delete(key));
  changed();
}

function changed() {
  channel?.postMessage("changed");
  document.dispatchEvent(new CustomEvent("outbox:changed"));
}
channel?.addEventListener("message", () => document.dispatchEvent(new CustomEvent("outbox:changed")));

// Whose session this browser has: { login, name, csrf }, or { status } when nobody's (401) or nothing answers (0).
export async function session() {
  try {
    const answer = await fetch("/bv/phien", { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(ANSWER_MS) });
    return answer.ok ? await answer.json() : { status: answer.status };
  } catch {
    return { status: 0 };
  }
}

async function send(draft, csrf) {
  const body = new URLSearchParams({ ...draft.fields, khoa: draft.key, "nguoi-khai": draft.author });
  const answer = await fetch("/bv/khai-bao", {
    method: "POST",
    body,
    headers: { Accept: "application/json", "X-CSRF": csrf },
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const isJson = (answer.headers.get("content-type") ?? "").includes("json");
  return [answer.status, isJson ? await answer.json() : null];
}

async function drainAlone() {
  const now = Date.now();
  const drafts = await all();
  for (const draft of drafts) if (isToForget(draft, now)) await remove(draft.key);
  if (!drafts.some((draft) => draft.state === "waiting" || draft.state === "sending")) return tell({ connected: navigator.onLine });
  if (!navigator.onLine) return tell({ connected: false });
  const who = await session();
  if (!who.login) return tell({ connected: who.status !== 0, signIn: who.status === 401 });
  tell({ connected: true, signIn: false });
  for (const { key } of toSend(drafts, who.login)) {
    // It may have been taken back since the list was made.
    const draft = await find(key);
    if (draft?.state !== "waiting" && draft?.state !== "sending") continue;
    if (!(await put({ ...draft, state: "sending" }))) continue;
    let status = 0;
    let answer = null;
    try {
      [status, answer] = await send(draft, who.csrf);
    } catch {
      status = 0;
    }
    const after = afterAnswer(draft, status, answer, Date.now());
    await put(after.draft);
    if (!after.next) return tell({ connected: status !== 0, signIn: Boolean(after.signIn) && status === 401 });
  }
}

function tell(state) {
  document.dispatchEvent(new CustomEvent("outbox:connection", { detail: state }));
}

// Send what waits, unless another tab is at it.
export function drain() {
  return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? drainAlone() : undefined));
}

export function keepDraining() {
  const again = () => drain().catch(() => tell({ connected: navigator.onLine }));
  window.addEventListener("online", again);
  window.addEventListener("offline", () => tell({ connected: false }));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && again());
  setInterval(again, AGAIN_MS);
  return again();
}
