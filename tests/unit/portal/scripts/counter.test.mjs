import assert from "node:assert/strict";
import { test } from "node:test";
import { forget, keepFor, keptOf, toEmpty } from "../../../../services/portal/static/counter/kept.js";

class Storage {
  #items = new Map();
  get length() {
    return this.#items.size;
  }
  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }
  getItem(name) {
    return this.#items.get(name) ?? null;
  }
  setItem(name, value) {
    this.#items.set(name, value);
  }
  removeItem(name) {
    this.#items.delete(name);
  }
}

test("an officer finds what they had typed, and nobody else's", () => {
  const storage = new Storage();
  storage.setItem("enter-tiep", "co");
  keepFor(storage, "quay-01", [["khoa", "a"]]);
  assert.deepEqual(keptOf(storage, "quay-01"), [["khoa", "a"]]);
  assert.equal(keptOf(storage, "quay-02"), null);
  assert.equal(keptOf(storage, "quay-01"), null);
  assert.equal(storage.getItem("enter-tiep"), "co");
});

test("what was received is forgotten", () => {
  const storage = new Storage();
  keepFor(storage, "quay-01", []);
  forget(storage, "quay-01");
  assert.equal(storage.length, 0);
});

test("another person's card empties what was the former person's", () => {
  const emptied = toEmpty({ identity: "092195001234" }, { identity: "092195009999" });
  for (const name of ["phone", "email", "name"]) assert.ok(emptied.includes(name), name);
  assert.ok(toEmpty({ insurance: "1234567890" }, { insurance: "1234567899" }).length);
});

test("the same card again, a first card, and a card of the other kind empty nothing", () => {
  assert.deepEqual(toEmpty({ identity: " 092195001234 " }, { identity: "092195001234" }), []);
  assert.deepEqual(toEmpty({ identity: "" }, { identity: "092195001234" }), []);
  assert.deepEqual(toEmpty({ identity: "092195001234", insurance: "" }, { insurance: "1234567890" }), []);
});
