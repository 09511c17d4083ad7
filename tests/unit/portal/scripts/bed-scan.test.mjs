import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openByScan } from "../../../../services/portal/static/hospital/bed-scan.js";

let opened;

beforeEach(() => {
  opened = [];
  globalThis.document = { querySelector: () => ({ content: "csrf" }) };
  globalThis.location = { assign: (to) => opened.push(to) };
});

function answered(status, body = {}) {
  globalThis.fetch = async () => new Response(JSON.stringify(body), { status });
  return openByScan({ kind: "text" }, "nguyen");
}

test("what is found is opened, without a word", async () => {
  assert.equal(await answered(200, { to: "/bv/ho-so/1" }), "");
  assert.deepEqual(opened, ["/bv/ho-so/1"]);
});

test("only an answer that nothing fits says so", async () => {
  assert.match(await answered(200, { to: "" }), /Không có hồ sơ nào/);
});

test("who is signed out is told to sign in, not that there is nothing", async () => {
  for (const status of [401, 403]) assert.match(await answered(status), /Phiên làm việc đã kết thúc/);
});

test("a service that is away has not found out", async () => {
  for (const status of [429, 500, 503]) assert.match(await answered(status), /Chưa tìm được vì hệ thống đang bận/);
});

test("without a network the page says so", async () => {
  globalThis.fetch = async () => {
    throw new TypeError("Failed to fetch");
  };
  assert.match(await openByScan({ kind: "text" }, "nguyen"), /không kết nối được/);
  assert.deepEqual(opened, []);
});
