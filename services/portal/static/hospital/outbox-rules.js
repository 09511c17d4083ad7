// What becomes of a declaration on its way from this device to the city. Pure: no storage, no network, no clock.
//
// typing → waiting → sending → received, or error: to be mended, known already (`dossier`), or the city's fault, which
// may be over when it is sent again (`passes`). What was sending when the page died is waiting:
// it has its key, and the city takes it once.
export const KEPT_AFTER_RECEIPT_MS = 24 * 3600 * 1000;
export const FAULTS_MAX = 3;

// A key that sorts by the moment it was made (UUIDv7, RFC 9562), strictly, also within a millisecond.
let last = { ms: 0, count: 0 };
export function newKey(ms, random = crypto.getRandomValues(new Uint8Array(8))) {
  last = ms > last.ms ? { ms, count: 0 } : { ms: last.ms, count: last.count + 1 };
  if (last.count > 0xfff) last = { ms: last.ms + 1, count: 0 };
  const hex = (number, digits) => number.toString(16).padStart(digits, "0");
  const time = hex(last.ms, 12);
  const tail = [...random].map((byte, index) => hex(index ? byte : 0x80 | (byte & 0x3f), 2)).join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(last.count, 3)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

const isUnderWay = (draft) => draft.state === "waiting" || draft.state === "sending";

// What is to be sent in the name of `login`, in the order in which it was begun.
export function toSend(drafts, login) {
  return drafts.filter((draft) => isUnderWay(draft) && draft.author === login).sort((a, b) => (a.key < b.key ? -1 : 1));
}

// What this officer may see on the device, newest last, and of how many of others they may know.
export function seenBy(drafts, login) {
  const mine = drafts.filter((draft) => draft.author === login).sort((a, b) => (a.key < b.key ? -1 : 1));
  const waiting = mine.filter(isUnderWay).length;
  const others = drafts.filter((draft) => draft.author !== login && draft.state !== "received").length;
  return { mine, waiting, others };
}

// Whether `next` may take the place of what the device has. What was typed never stands over what is on its way or was
// received: a late save would take a birth out of the outbox unseen. Taking back is an act of its own.
export function mayReplace(kept, next) {
  // What was dropped meanwhile is not sent.
  if (!kept) return next.state !== "sending";
  if (kept.state === "received") return next.state === "received";
  if (next.state === "typing") return !isUnderWay(kept);
  if (next.state === "sending") return isUnderWay(kept);
  return true;
}

// Whether the officer may still have it back to mend it: not when the city may have it.
export const mayTakeBack = (kept) => Boolean(kept) && kept.state !== "sending" && kept.state !== "received";

// What a draft is after the city's answer, and whether to go on with the next. `status` 0: no answer at all.
export function afterAnswer(draft, status, answer, now) {
  if (status === 201 || status === 200) {
    // What was declared is the city's now; here stays only what the list shows, and that for a day.
    return {
      draft: { ...draft, state: "received", fields: {}, problems: [], code: answer.code, dossier: answer.dossier, words: answer.words, warnings: answer.warnings, receivedAt: answer.received_at, endedAt: now },
      next: true,
    };
  }
  if (status === 401 || status === 403) return { draft: { ...draft, state: "waiting" }, next: false, signIn: true };
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    const problems = answer?.problems ?? [["", answer?.title ?? "Không gửi được khai báo này"]];
    return { draft: { ...draft, state: "error", passes: false, problems, dossier: answer?.dossier ?? "", code: answer?.code ?? "" }, next: true };
  }
  // A fault of the city's that comes with this one only must not keep the others back for ever.
  const faults = (draft.faults ?? 0) + (status === 500 ? 1 : 0);
  if (faults >= FAULTS_MAX) {
    const problems = [["", "Hệ thống gặp lỗi khi nhận khai báo này. Hãy gửi lại sau"]];
    return { draft: { ...draft, state: "error", passes: true, faults: 0, problems }, next: true };
  }
  return { draft: { ...draft, state: "waiting", faults }, next: false };
}

export const isToForget = (draft, now) => draft.state === "received" && now - draft.endedAt >= KEPT_AFTER_RECEIPT_MS;
