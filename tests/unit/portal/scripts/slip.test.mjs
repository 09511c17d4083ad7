// What stands on the slip a family takes along while the network is away.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsOf } from "../../../../services/portal/static/hospital/slip.js";

const DRAFT = {
  key: "01993c1f-7a10-7000-8abc-0123456789ab",
  label: "Trần Thị Sáu – bé gái, 09:05 ngày 23/11/2026",
  fields: { phong: "3", giuong: "12", "be-ten": "", "gcs-so": "61002", "gcs-quyen": "01/2026" },
  madeAt: Date.UTC(2026, 10, 23, 2, 10),
  place: { hospital: "Bệnh viện đa khoa khu vực Ngã Bảy", ward: "Khoa Phụ sản", officer: "Lê Thị Hoa" },
};

test("the slip says when the device noted it, by the clock of Việt Nam, and who", () => {
  const rows = new Map(rowsOf(DRAFT));
  assert.equal(rows.get("Máy ghi lúc"), "09:10 ngày 23/11/2026");
  assert.equal(rows.get("Nằm tại"), "Phòng 3, giường 12");
  assert.equal(rows.get("Số giấy chứng sinh"), "61002, quyển 01/2026");
  assert.equal(rows.get("Người ghi nhận"), "Lê Thị Hoa");
});

test("the device's own number is not taken for a dossier's", () => {
  const rows = new Map(rowsOf(DRAFT));
  assert.equal(rows.get("Mã trên máy (không phải mã hồ sơ)"), "01993c1f-7a10-7000");
});

test("what is not known has no empty line", () => {
  const rows = new Map(rowsOf({ ...DRAFT, place: null, fields: {} }));
  assert.deepEqual([...rows.keys()], ["Khai báo", "Máy ghi lúc", "Mã trên máy (không phải mã hồ sơ)"]);
});
