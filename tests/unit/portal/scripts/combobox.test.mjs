import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { combobox, nextMark } from "../../../../services/portal/static/combobox.js";

// As much of an element as a combobox touches.
class Element extends EventTarget {
  attributes = new Map();
  hidden = true;
  value = "";
  setAttribute = (name, value) => this.attributes.set(name, value);
  removeAttribute = (name) => this.attributes.delete(name);
  get = (name) => this.attributes.get(name);
  contains = (other) => other === this;
  scrollIntoView() {}
}

class Key extends Event {
  constructor(key) {
    super("keydown", { cancelable: true });
    this.key = key;
    this.stopped = false;
  }
  stopPropagation() {
    this.stopped = true;
  }
}

const TOWNS = ["Ngã Bảy", "Ngã Năm", "Phụng Hiệp"];
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
let input;
let list;
let taken;
let answers;

function begin(more = {}) {
  input = new Element();
  list = new Element();
  taken = [];
  answers = [];
  globalThis.document = { activeElement: input };
  return combobox(input, list, {
    find: (text) => new Promise((resolve) => answers.push(() => resolve(TOWNS.filter((one) => one.startsWith(text))))),
    show: (_, found) => {
      list.hidden = !found.length;
      return found.map((words) => Object.assign(new Element(), { id: words }));
    },
    take: (found, at) => {
      input.value = found[at];
      taken.push(found[at]);
    },
    ...more,
  });
}

async function press(key) {
  const event = new Key(key);
  input.dispatchEvent(event);
  await settled();
  return event;
}

async function offer(text) {
  input.value = text;
  await press("ArrowDown");
  answers.pop()();
  await settled();
}

beforeEach(() => begin());

test("arrows go round, and up from nothing is the last", () => {
  assert.equal(nextMark(-1, "ArrowDown", 3), 0);
  assert.equal(nextMark(2, "ArrowDown", 3), 0);
  assert.equal(nextMark(0, "ArrowUp", 3), 2);
  assert.equal(nextMark(-1, "ArrowUp", 3), 2);
  assert.equal(nextMark(-1, "ArrowDown", 0), -1);
});

test("the best fit is marked, arrows move, Enter takes and keeps the key to itself", async () => {
  await offer("Ngã");
  assert.equal(input.get("aria-expanded"), "true");
  assert.equal(input.get("aria-activedescendant"), "Ngã Bảy");
  await press("ArrowDown");
  const enter = await press("Enter");
  assert.deepEqual(taken, ["Ngã Năm"]);
  assert.ok(enter.defaultPrevented && enter.stopped);
  assert.equal(input.get("aria-expanded"), "false");
  assert.equal(input.get("aria-activedescendant"), undefined);
});

test("Escape closes an open list and is the page's otherwise", async () => {
  await offer("Ngã");
  assert.ok((await press("Escape")).stopped);
  assert.ok(list.hidden);
  assert.ok(!(await press("Escape")).stopped);
});

test("Escape before the answer: nothing is offered any more", async () => {
  input.value = "Ngã";
  await press("ArrowDown");
  assert.ok(!(await press("Escape")).stopped);
  answers.pop()();
  await settled();
  assert.ok(list.hidden);
});

test("looking at once tells how many fit, and nothing to who has gone on", async () => {
  for (const [text, meanwhile, told] of [
    ["Ngã", () => {}, 2],
    ["Cái", () => {}, 0],
    ["Ngã", () => press("Escape"), undefined],
    ["Ngã", () => input.dispatchEvent(new Event("blur")), undefined],
    ["Ngã", () => (input.value = "Ngã N"), undefined],
  ]) {
    const look = begin();
    input.value = text;
    const looked = look();
    await meanwhile();
    answers.pop()();
    assert.equal(await looked, told);
  }
});

test("an answer that comes late, or when the person has gone on, is not shown", async () => {
  input.value = "Ngã";
  await press("ArrowDown");
  input.value = "Phụng";
  await press("ArrowDown");
  const [early, late] = answers;
  late();
  await settled();
  early();
  await settled();
  assert.equal(input.get("aria-activedescendant"), "Phụng Hiệp");
  await press("Escape");
  await press("ArrowDown");
  globalThis.document.activeElement = null;
  answers.pop()();
  await settled();
  assert.ok(list.hidden);
});

test("Enter goes on where nothing is offered, unless the box insists", async () => {
  input.value = "Phụng";
  assert.ok(!(await press("Enter")).defaultPrevented);
  begin({ insists: true });
  input.value = "Phụng";
  assert.ok((await press("Enter")).defaultPrevented);
  answers.pop()();
  await settled();
  assert.deepEqual(taken, ["Phụng Hiệp"]);
  // What is chosen already lets the next Enter pass.
  assert.ok(!(await press("Enter")).defaultPrevented);
});

test("Enter takes what fits the whole text, not what was offered for its beginning", async () => {
  await offer("Ngã");
  input.value = "Ngã Năm";
  await press("Enter");
  assert.deepEqual(taken, []);
  answers.pop()();
  await settled();
  assert.deepEqual(taken, ["Ngã Năm"]);
});

test("Enter takes nothing when nothing fits the whole text, or when the person typed on meanwhile", async () => {
  await offer("Ngã");
  input.value = "Ngã Tư";
  await press("Enter");
  answers.pop()();
  await settled();
  input.value = "Ngã";
  await press("ArrowDown");
  answers.pop()();
  await settled();
  input.value = "Ngã N";
  await press("Enter");
  input.value = "Ngã Nă";
  answers.pop()();
  await settled();
  assert.deepEqual(taken, []);
});

test("in a box that marks nothing, typing on takes the mark of an arrow away", async () => {
  begin({ marksFirst: false });
  await offer("Ngã");
  await press("ArrowDown");
  input.value = "Ngã N";
  input.dispatchEvent(new Event("input"));
  assert.ok(!(await press("Enter")).defaultPrevented);
  assert.deepEqual(taken, []);
});

test("a box that marks nothing leaves Enter to its form until an arrow was used", async () => {
  begin({ marksFirst: false });
  await offer("Ngã");
  assert.ok(!(await press("Enter")).defaultPrevented);
  await press("ArrowUp");
  await press("Enter");
  assert.deepEqual(taken, ["Ngã Năm"]);
});

test("a press of the mouse takes without the box losing the focus", async () => {
  begin({
    show: (_, found) => {
      list.hidden = false;
      list.contains = () => true;
      return found.map((words) => Object.assign(new Element(), { id: words, contains: (target) => target === list && words === "Ngã Năm" }));
    },
  });
  await offer("Ngã");
  const down = new Event("mousedown", { cancelable: true });
  list.dispatchEvent(down);
  assert.ok(down.defaultPrevented);
  list.dispatchEvent(new Event("click"));
  assert.deepEqual(taken, ["Ngã Năm"]);
});
