// Serves the form of a birth while the network is away: its shell, which names nobody, and the files it loads.
// Nothing else of /bv is ever kept: lists, cards and papers have people in them.
const version = new URL(self.location).searchParams.get("v");
const CACHE = `bv-${version}`;
const FORM = "/bv/khai-bao";
const SHELL = `${FORM}/vo`;
const COMMUNES = "/bv/xa-trong-tinh";
const WAIT_MS = 6000;
const FILES = [
  "icon.svg", "portal.css", "hospital/hospital.css", "htmx.js", "page.js", "keys.js", "live.js", "clock.js", "forms.js", "combobox.js",
  "scan.js", "scan-text.js", "hospital/declare.js", "hospital/declare-checks.js", "hospital/declare-communes.js", "hospital/declare-fields.js",
  "hospital/declare-keys.js", "hospital/declare-list.js", "hospital/declare-problems.js", "hospital/declare-standing.js", "hospital/lock.js", "hospital/outbox.js", "hospital/outbox-rules.js", "hospital/slip.js",
  "font-latin-400.woff2", "font-latin-600.woff2", "font-vietnamese-400.woff2", "font-vietnamese-600.woff2",
].map((name) => `/static/${version}/${name}`);

async function keep() {
  const shell = await fetch(SHELL, { cache: "no-store" });
  // A shell of another release names files that are not among ours: the next page registers that release.
  if (!shell.ok || shell.headers.get("X-Assets") !== version) throw new Error("another release");
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES);
  await cache.put(SHELL, shell);
}

async function tidy() {
  for (const name of await caches.keys()) if (name.startsWith("bv-") && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
}

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(tidy()));

async function form(request) {
  const late = new Promise((resolve) => setTimeout(resolve, WAIT_MS, null));
  const answer = await Promise.race([fetch(request).catch(() => null), late]);
  return answer && answer.status < 500 ? answer : ((await caches.match(SHELL)) ?? Response.error());
}

async function elsewhere(request) {
  try {
    return await fetch(request);
  } catch {
    return Response.redirect(FORM, 302);
  }
}

async function communes(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) await (await caches.open(CACHE)).put(COMMUNES, answer.clone());
    return answer;
  } catch {
    return (await caches.match(COMMUNES)) ?? Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === FORM) event.respondWith(form(request));
    else if (url.pathname === "/bv") event.respondWith(elsewhere(request));
  } else if (url.pathname === COMMUNES) event.respondWith(communes(request));
  else if (url.pathname.startsWith("/static/")) {
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  }
});
