// H2, declaring a birth: everything typed is kept on the device at once, and sent when there is a network.
import { combobox } from "../combobox.js";
import { communesAt, searchCommunes } from "./declare-communes.js";
import { clockText, fillFrom, fresh, giveCapitals, isTouched, labelOf, read, sibling, sourceOf, write } from "./declare-fields.js";
import { bindFormKeys, goTo } from "./declare-keys.js";
import { showList } from "./declare-list.js";
import { allWrong, showProblems } from "./declare-problems.js";
import { showConnection, showCutoff } from "./declare-standing.js";
import { isLocked, lockWhenIdle, unlocked } from "./lock.js";
import { all, drain, keepDraining, put, remember, remembered, remove, takeBack } from "./outbox.js";
import { newKey, seenBy } from "./outbox-rules.js";
import { printSlip } from "./slip.js";
import { onScan } from "../scan.js";

const SAVE_MS = 250;
const form = document.getElementById("khai-bao");
const at = (name) => document.querySelector(`[${name}]`);
const lockDialog = document.getElementById("khoa-man");
let author = form.dataset.login;
// Hospital, ward and name of who signed in, for the slip; null in the shell.
let place = JSON.parse(form.dataset.noi);
// Nobody has proved who sits here: then what was typed before is counted, not shown.
let sealed = false;
let draft = null;
let saving = 0;
let acting = false;
let releaseDraft = () => {};
let goOnUnderLock = () => {};

// -- the draft at hand ---------------------------------------------------------------------------------------

function begun(fields, set = "") {
  const now = Date.now();
  return { key: newKey(now), set, author, place, state: "typing", madeAt: now, fields, problems: [], label: labelOf(fields) };
}

// The same draft is not typed in two tabs.
async function claim(key) {
  const isOurs = await new Promise((resolve) => {
    navigator.locks.request(`bv-nhap-${key}`, { ifAvailable: true }, (lock) => {
      resolve(Boolean(lock));
      return lock ? new Promise((release) => (releaseDraft = release)) : undefined;
    });
  });
  return isOurs;
}

async function open(next, { focus = "me-so" } = {}) {
  releaseDraft();
  await claim(next.key);
  draft = next;
  write(form, draft.fields);
  showSource();
  showSiblings();
  showProblems(form, draft.problems ?? [], draft.dossier);
  if (!draft.problems?.length) goTo(document.getElementById(focus));
  await list();
}

async function save() {
  clearTimeout(saving);
  saving = 0;
  if (!draft) return;
  const fields = read(form);
  if (!isTouched(fields) && !draft.set && !draft.problems?.length) return;
  draft = { ...draft, fields, label: labelOf(fields) };
  if (await put(draft)) at("data-da-luu").textContent = `Đã lưu trên máy lúc ${clockText(Date.now())}`;
}

function saveSoon() {
  saving ||= setTimeout(save, SAVE_MS);
}

// -- acts ------------------------------------------------------------------------------------------------------

const heldOf = async (set) => (set ? (await all()).filter((one) => one.set === set && one.held && one.author === author) : []);

async function checked() {
  await save();
  const { problems, mended } = await allWrong(form);
  showProblems(form, problems);
  if (mended) at("data-da-luu").textContent = "Đã đủ thông tin. Hãy bấm Gửi lần nữa.";
  return !problems.length && !mended;
}

// One at a time: a second press while the first is at work is none.
async function alone(act) {
  if (acting) return false;
  acting = true;
  try {
    return await act();
  } finally {
    acting = false;
  }
}

async function queueAll() {
  if (!draft || !(await checked())) return false;
  const held = await heldOf(draft.set);
  const babies = [...held, { ...draft, fields: read(form) }];
  const now = Date.now();
  for (const [index, baby] of babies.entries()) {
    const order = held.length ? { "so-con": String(babies.length), "thu-tu": String(index + 1) } : {};
    const fields = { ...baby.fields, ...order };
    await put({ ...baby, fields, label: labelOf(fields), held: false, set: "", state: "waiting", problems: [], dossier: "", queuedAt: now });
  }
  await open(begun(fresh(now)));
  at("data-da-luu").textContent = "Đã ghi vào hộp gửi.";
  return true;
}

// The next birth may be begun while this one is being sent.
async function sendAll() {
  if (await alone(queueAll)) await drain();
}

async function addChild() {
  if (!draft || !(await checked())) return;
  const set = draft.set || draft.key;
  const mine = { ...draft, set, held: true };
  await put(mine);
  const next = begun(sibling(mine.fields), set);
  await put(next);
  await open(next, { focus: "gio-sinh" });
}

async function otherCase() {
  await save();
  await open(begun(fresh(Date.now())));
}

const acts = {
  edit: (one) =>
    alone(async () => {
      await save();
      const mine = await takeBack(one.key);
      if (mine) await open(mine);
      else await list();
    }),
  again: async (one) => {
    await put({ ...one, state: "waiting", problems: [] });
    await drain();
  },
  drop: async (one) => {
    const dialog = document.getElementById("bo-khai-bao");
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue === "bo") await remove(one.key);
  },
  print: (one) => printSlip(at("data-phieu"), one),
};

// -- what is shown ---------------------------------------------------------------------------------------------

async function list() {
  const root = document.querySelector(".outbox");
  showList(root, seenBy(await all(), author), draft?.key, sealed, acts);
}

function showSource() {
  const { words, differs } = sourceOf(read(form));
  const place = document.querySelector("[data-nguon=me]");
  if (place.textContent !== words) place.textContent = words;
  at("data-ly-do").hidden = !differs && !form.elements["ly-do"].value;
}

async function showSiblings() {
  const held = await heldOf(draft?.set);
  at("data-thu-tu").textContent = held.length ? `thứ ${held.length + 1} của lần sinh này` : "";
  at("data-sinh-nhieu").hidden = held.length > 0 || form.elements["so-con"].value === "1";
}

// -- scanning and choosing -------------------------------------------------------------------------------------

// What is not found here is found by the address when the declaration arrives.
async function communeOf(address) {
  const found = await communesAt(address);
  if (found.length !== 1 || form.elements["cu-tru"].value !== address) return;
  form.elements["cu-tru-xa"].value = found[0].value;
  form.elements["cu-tru-xa-ten"].value = found[0].words;
  saveSoon();
}

// Only a card fills the form in. The bar code of a paper stays in the field it was scanned for, as if it had been typed.
const takes = (scan) => ["identity-card", "insurance-card"].includes(scan.kind);

function scanned(scan) {
  if (!draft) return;
  const next = fillFrom(form, scan);
  if (next.endsWith("-ten")) {
    const whose = next === "cha-ten" ? "cha" : "me";
    document.querySelector(`[data-nguon=${whose}]`).textContent = "Máy quét không đọc được họ tên. Hãy nhập họ tên in trên thẻ.";
  } else showSource();
  document.getElementById(next).focus();
  if (scan.address && form.elements["cu-tru"].value === scan.address) communeOf(scan.address);
  saveSoon();
}

// -- the start -------------------------------------------------------------------------------------------------

function lock() {
  sealed = true;
  save().finally(() => {
    draft = null;
    form.reset();
    write(form, {});
    list();
    lockDialog.showModal();
  });
}

async function firstDraft() {
  const typing = sealed ? [] : seenBy(await all(), author).mine.filter((one) => one.state === "typing" && !one.held);
  for (const one of typing.toReversed()) {
    if (await claim(one.key)) return one;
  }
  return begun(fresh(Date.now()));
}

function listen() {
  form.addEventListener("input", (event) => {
    if (event.target.name === "me-so" || event.target.name === "me-ten" || event.target.name === "me-ngay-sinh") showSource();
    if (event.target.name === "cu-tru") form.elements["cu-tru-xa"].value = "";
    saveSoon();
  });
  form.addEventListener("change", (event) => {
    giveCapitals(event.target);
    save();
  });
  bindFormKeys(form, saveSoon);
  form.querySelector("button.main").addEventListener("click", (event) => {
    event.preventDefault();
    sendAll();
  });
  at("data-them-be").addEventListener("click", () => alone(addChild));
  at("data-ca-moi").addEventListener("click", () => alone(otherCase));
  at("data-khai-khi-khoa").addEventListener("click", async () => {
    lockDialog.close();
    goOnUnderLock();
    await open(begun(fresh(Date.now())));
  });
  lockDialog.addEventListener("cancel", (event) => event.preventDefault());
  document.addEventListener("outbox:changed", list);
  document.addEventListener("outbox:connection", (event) => showConnection(event.detail));
  const commune = form.elements["cu-tru-xa-ten"];
  const setCommune = (code) => {
    form.elements["cu-tru-xa"].value = code;
    saveSoon();
  };
  combobox(commune, document.getElementById("cu-tru-xa-ds"), {
    find: searchCommunes,
    take: (rows, at) => {
      commune.value = rows[at].words;
      setCommune(rows[at].value);
    },
    changed: () => setCommune(""),
    least: 2,
  });
  onScan(scanned, { takes });
}

async function serveOffline() {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register(`/bv/sw.js?v=${form.dataset.version}`, { scope: "/bv" });
  await navigator.serviceWorker.ready;
  // The list of communes is kept for the time without a network, too.
  searchCommunes("");
  document.documentElement.dataset.ngoaiTuyen = "co";
}

async function start() {
  navigator.storage?.persist?.();
  if (author) {
    await remember("nguoi", author);
    await remember("noi", place);
    unlocked();
  } else {
    author = (await remembered("nguoi")) ?? "";
    place = (await remembered("noi")) ?? null;
    sealed = isLocked();
    showConnection({ connected: navigator.onLine });
  }
  listen();
  const first = await firstDraft();
  if (!draft) await open(first);
  showCutoff();
  setInterval(showCutoff, 20000);
  goOnUnderLock = lockWhenIdle({ lock });
  document.documentElement.dataset.san = "sang";
  // A device nobody has signed in at has nothing to send, and nobody to declare.
  at("data-can-dang-nhap").hidden = Boolean(author);
  form.inert = !author;
  keepDraining();
  serveOffline();
}

start();
