import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isReadable } from "../../../../services/portal/static/hospital/declare-checks.js";

// The city is held to the same table (tests/unit/portal/test_birth_form.py).
const typed = JSON.parse(readFileSync(new URL("declare-typed.json", import.meta.url), "utf8"));

for (const [kind, { readable, wrong }] of Object.entries(typed)) {
  test(`${kind}: what the city reads may leave the device, nothing else`, () => {
    for (const text of readable) assert.ok(isReadable(kind, text), text);
    for (const text of wrong) assert.ok(!isReadable(kind, text), text);
  });
}
