import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { check, readHeaders } from "../../../../services/portal/static/developers/signature.js";
import { fits } from "../../../../services/portal/static/developers/filter.js";

const KEY = Buffer.alloc(32, 7);
const secret = `whsec_${KEY.toString("base64")}`;
const NOW = 1_800_000_000;
const body = '{"id": "0199", "data": {"tên": "Đặng"}}';

function signed(text = body, timestamp = NOW, key = KEY) {
  const signature = createHmac("sha256", key).update(`m1.${timestamp}.${text}`).digest("base64");
  return { "webhook-id": "m1", "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}
const codeOf = async (more) => (await check({ secret, headers: signed(), body, now: NOW, ...more })).code;

test("the published vector of Standard Webhooks is taken", async () => {
  const headers = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const given = { secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", headers, body: '{"test": 2432232314}' };
  assert.equal((await check({ ...given, now: 1614265330 })).code, "verified");
});

test("a genuine one is verified, also among others during a rotation", async () => {
  assert.equal(await codeOf({}), "verified");
  const headers = signed();
  headers["webhook-signature"] = `v1,AAAA v1a,BBBB ${headers["webhook-signature"]}`;
  assert.equal(await codeOf({ headers }), "verified");
});

test("the check that fails is named", async () => {
  assert.equal(await codeOf({ headers: { ...signed(), "webhook-id": "" } }), "header-missing");
  assert.equal(await codeOf({ headers: { ...signed(), "webhook-timestamp": "hôm nay" } }), "timestamp-malformed");
  assert.equal(await codeOf({ headers: { ...signed(), "webhook-signature": "v2,x" } }), "signature-malformed");
  assert.equal(await codeOf({ now: NOW + 301 }), "timestamp-outside");
  assert.equal(await codeOf({ now: NOW - 301 }), "timestamp-outside");
  for (const wrong of ["", "secret", KEY.toString("base64"), secret.slice(0, 20), `${secret}!`]) {
    assert.equal(await codeOf({ secret: wrong }), "secret-malformed", wrong);
  }
  assert.equal(await codeOf({ headers: signed(body, NOW, Buffer.alloc(32, 8)) }), "signature-differs");
  assert.equal(await codeOf({ body: body.replace("Đặng", "Đăng") }), "signature-differs");
});

test("a body that was written anew is told from one that was forged", async () => {
  const sent = JSON.stringify(JSON.parse(body));
  assert.equal(await codeOf({ headers: signed(sent), body: JSON.stringify(JSON.parse(sent), null, 2) }), "body-differs");
  assert.equal(await codeOf({ body: `${body}\n` }), "body-differs");
});

test("headers are read as they are pasted", () => {
  const text = "Webhook-Id: m1\r\nwebhook-timestamp : 5\nno header\nwebhook-signature: v1,a v1,b";
  assert.deepEqual(readHeaders(text), { "webhook-id": "m1", "webhook-timestamp": "5", "webhook-signature": "v1,a v1,b" });
});

test("the catalogue is looked through by every word", () => {
  assert.ok(fits("intake.dossier-received.v1 đã nhận hồ sơ", "HỒ received"));
  assert.ok(!fits("intake.dossier-received.v1 đã nhận hồ sơ", "hồ thẻ"));
  assert.ok(fits("anything", " "));
});

test("headers are read as they are copied: with a colon, a tab, or the value below", () => {
  const expected = { "webhook-id": "a:1", "webhook-signature": "v1,b= v1,c=" };
  for (const text of ["Webhook-Id: a:1\nwebhook-signature: v1,b= v1,c=", "webhook-id\ta:1\r\nwebhook-signature\tv1,b= v1,c=", "webhook-id\na:1\nwebhook-signature\n\nv1,b= v1,c=\n"]) {
    assert.deepEqual(readHeaders(text), expected);
  }
});
