import assert from "node:assert/strict";
import { test } from "node:test";
import { afterAnswer, FAULTS_MAX, isToForget, mayReplace, mayTakeBack, newKey, seenBy, toSend } from "../../../../services/portal/static/hospital/outbox-rules.js";

const draft = (key, more = {}) => ({ key, author: "hoa", state: "waiting", fields: { "me-ten": "Mai" }, problems: [], ...more });

test("keys sort in the order they were made, also within a millisecond", () => {
  const keys = Array.from({ length: 6000 }, (_, index) => newKey(1_800_000_000_000 + Math.floor(index / 5000)));
  assert.deepEqual([...keys].sort(), keys);
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("what was being sent when the page died is sent again, in order, and only its author's", () => {
  const drafts = [draft("3"), draft("1", { state: "sending" }), draft("2", { author: "lan" }), draft("4", { state: "typing" })];
  assert.deepEqual(toSend(drafts, "hoa").map(({ key }) => key), ["1", "3"]);
});

test("a colleague's declarations are counted, not shown", () => {
  const seen = seenBy([draft("1"), draft("2", { author: "lan" }), draft("3", { author: "lan", state: "received" })], "hoa");
  assert.deepEqual([seen.mine.length, seen.waiting, seen.others], [1, 1, 1]);
});

test("what was received leaves nothing of the birth on the device", () => {
  const { draft: kept, next } = afterAnswer(draft("1"), 201, { code: "X", dossier: "/d", received_at: "2026" }, 5);
  assert.deepEqual([kept.state, kept.fields, kept.code, next], ["received", {}, "X", true]);
  assert.ok(!isToForget(kept, 5 + 23 * 3600 * 1000));
  assert.ok(isToForget(kept, 5 + 24 * 3600 * 1000));
  assert.ok(!isToForget(draft("2"), Infinity));
});

test("a session that ended loses nothing and stops the drainer", () => {
  const { draft: kept, next, signIn } = afterAnswer(draft("1", { state: "sending" }), 401, null, 5);
  assert.deepEqual([kept.state, kept.fields["me-ten"], next, signIn], ["waiting", "Mai", false, true]);
});

test("a refusal is kept to be mended, and holds nobody up", () => {
  for (const status of [400, 409, 413, 422]) {
    const { draft: kept, next } = afterAnswer(draft("1"), status, { problems: [["me-so", "Sai"]] }, 5);
    assert.deepEqual([kept.state, kept.problems, kept.fields["me-ten"], next], ["error", [["me-so", "Sai"]], "Mai", true]);
    assert.equal(kept.passes, false, "sending it again cannot cure it");
  }
});

test("no answer, a busy city and a proxy's error mean later", () => {
  for (const status of [0, 408, 429, 502, 503, 504]) {
    const { draft: kept, next } = afterAnswer(draft("1", { state: "sending" }), status, null, 5);
    assert.deepEqual([kept.state, next], ["waiting", false]);
  }
});

test("a fault that comes with one declaration only does not keep the others back for ever", () => {
  let one = draft("1");
  for (let round = 0; round < FAULTS_MAX; round += 1) one = afterAnswer(one, 500, null, 5).draft;
  assert.deepEqual([one.state, one.passes], ["error", true]);
});

test("a late save never takes a declaration out of the outbox", () => {
  const typing = draft("1", { state: "typing" });
  for (const state of ["waiting", "sending", "received"]) assert.ok(!mayReplace(draft("1", { state }), typing), state);
  for (const state of ["typing", "error"]) assert.ok(mayReplace(draft("1", { state }), typing), state);
  assert.ok(mayReplace(undefined, typing));
  assert.ok(!mayReplace(undefined, draft("1", { state: "sending" })));
});

test("only what waits is sent, and what was received stays received", () => {
  const to = (state) => draft("1", { state });
  for (const state of ["waiting", "sending"]) assert.ok(mayReplace(to(state), to("sending")), state);
  for (const state of ["typing", "error", "received"]) assert.ok(!mayReplace(to(state), to("sending")), state);
  for (const state of ["waiting", "error"]) assert.ok(!mayReplace(to("received"), to(state)), state);
  for (const state of ["waiting", "error", "received"]) assert.ok(mayReplace(to("sending"), to(state)), state);
});

test("a declaration is taken back until the city may have it", () => {
  const to = (state) => mayTakeBack(draft("1", { state }));
  assert.deepEqual(["typing", "waiting", "error", "sending", "received"].map(to), [true, true, true, false, false]);
  assert.ok(!mayTakeBack(undefined));
});
