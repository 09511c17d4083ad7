import assert from "node:assert/strict";
import { test } from "node:test";
import { Burst } from "../../../../services/portal/static/scan.js";
import { dayOf, isCard, isWoman, readScan, repaired } from "../../../../services/portal/static/scan-text.js";

const latin = (text) => Buffer.from(text, "utf8").toString("latin1");
const windows = (text) => new TextDecoder("windows-1252").decode(Buffer.from(text, "utf8"));
const lost = (text) => latin(text).replace(/[\x80-\x9f]/g, "");
const NAMES = ["Nguyễn Thị Mai", "Đặng Ngọc Hà", "Lê Văn Bình", "TRẦN THỊ ĐỖ QUYÊN", "Huỳnh Thị Mỹ Duyên", "Võ Thị Út", "Y Blăm Ayũn"];

test("à at the end of a field is not taken for a blank", () => {
  const card = `093191603691||${latin("Nguyễn Lam Hà")}|02091991|Nữ|${latin("Tổ 2, xã Lịch Hội Thượng, Cà")}|01022022`;
  const scan = readScan(card);
  assert.equal(scan.name, "Nguyễn Lam Hà");
  assert.equal(scan.address, "Tổ 2, xã Lịch Hội Thượng, Cà");
});

for (const name of NAMES) {
  test(`${name} is read however the scanner wrote it`, () => {
    for (const written of [name, name.normalize("NFD"), latin(name), windows(name)]) assert.equal(repaired(written), name);
  });
  test(`${name} is never stored with letters lost`, () => {
    const damaged = lost(name);
    if (damaged !== latin(name)) assert.ok(["", name].includes(repaired(damaged)), damaged);
    assert.equal(repaired(name.replace(/[^\x00-\x7f]/g, "")), "");
    assert.equal(repaired(name.replace(/[^\x00-\x7f]/g, "?")), "");
  });
}

test("a card whose name is lost keeps its safe fields", () => {
  const scan = readScan(lost("092195001234|361234567|Nguyễn Thị Mai|12041995|Nữ|Khu vực 2, Phường Ngã Bảy, Thành phố Cần Thơ|01022022"));
  assert.equal(scan.kind, "identity-card");
  assert.deepEqual([scan.number, scan.oldNumber, scan.birthDay, scan.issuedOn], ["092195001234", "361234567", "12/04/1995", "01/02/2022"]);
  assert.equal(scan.name, "");
  assert.equal(scan.address, "");
});

test("an insurance card has its name as hexadecimal", () => {
  const hex = Buffer.from("Trần Thị Bé", "utf8").toString("hex");
  const scan = readScan(`DN4921234567890|${hex}|02/09/1990|2|00`);
  assert.deepEqual([scan.kind, scan.number, scan.name, scan.birthDay], ["insurance-card", "DN4921234567890", "Trần Thị Bé", "02/09/1990"]);
});

test("links, codes and numbers are told apart", () => {
  const kinds = [
    ["https://motcua.example/h/AbCdEfGhIjKlMnOpQrStUv", "tracking"],
    ["https://motcua.example/verify/AbCdEfGhIjKlMnOpQrStUv", "paper"],
    ["000.00.13.H30-211130-0001", "code"],
    ["092195001234", "number"],
    ["bất kỳ", "text"],
    ["", "text"],
    ["|||||||", "text"],
  ];
  for (const [text, kind] of kinds) assert.equal(readScan(text).kind, kind, text);
});

test("days are real or empty", () => {
  assert.equal(dayOf("02091990"), "02/09/1990");
  for (const text of ["31021990", "00001990", "1990", "", "0209199"]) assert.equal(dayOf(text), "");
});

test("a number says whose it is", () => {
  assert.ok(isWoman("092195001234"));
  assert.ok(!isWoman("092095001234"));
  assert.ok(isCard("092195001234||A|12041995|Nữ|B|01022022"));
});

test("nothing that is scanned breaks the reading", () => {
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (let round = 0; round < 3000; round += 1) {
    const text = Array.from({ length: Math.floor(random() * 80) }, () => String.fromCodePoint(random() < 0.3 ? 0x7c : Math.floor(random() * 0x2fff))).join("");
    readScan(text);
    readScan(`092195001234|${text}`);
    readScan(`DN4921234567890|${text}`);
  }
});

// What is typed into one field: (text, milliseconds before each of its signs). Returns what Enter ends, if it is a scan.
function typed(...parts) {
  const burst = new Burst();
  let at = 0;
  let value = "";
  for (const [text, gap] of parts) {
    for (const sign of text) {
      at += gap;
      burst.add(sign, at, { element: "field", value });
      value += sign;
    }
  }
  return burst.end(at + parts.at(-1)[1]);
}

const CARD = `092195001234||${latin("Nguyễn Thị Mai")}|12041995|Nữ|${latin("Phường Ngã Bảy")}|01022022`;

test("a name whose end was typed quickly is no scan", () => {
  assert.equal(typed(["Nguyễn T", 120], ["hị Hồng Nhung", 20]), null);
  assert.equal(typed(["Nguyễn Thị Hồng Nhung", 15]), null);
  assert.equal(typed(["Khu vực 2, Phường Ngã Bảy", 5]), null);
});

test("a card is found behind what was typed before it, which the field gets back", () => {
  for (const gap of [1, 20, 80]) {
    const found = typed(["Lê", 300], [CARD, gap]);
    assert.equal(found.text, CARD);
    assert.equal(found.before.value, "Lê");
  }
});

test("a card is whole though the machine held one sign back", () => {
  assert.equal(typed([CARD.slice(0, 20), 5], [CARD.slice(20, 21), 200], [CARD.slice(21), 5]).text, CARD);
});

test("a code is found, and what is typed into no field is told however it reads", () => {
  assert.equal(typed(["Lê0", 300], ["00.00.13.H30-211130-0001", 5]).text, "000.00.13.H30-211130-0001");
  const burst = new Burst();
  [..."nguyen thi mai"].forEach((sign, index) => burst.add(sign, index * 5, { element: "body", value: null }));
  assert.equal(burst.end(70).text, "nguyen thi mai");
});
