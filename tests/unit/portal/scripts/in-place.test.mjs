import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

// As much of a browser as the script asks for; what happens to the page stands in these.
const listeners = [];
let asked, answer, sentOn, focused;
const typed = { url: "https://nhan.example/su-kien" };

globalThis.window = { addEventListener() {} };
globalThis.HTMLFormElement = class {
  dataset = {};
  action = "http://portal/dev/webhook/1";
  previousElementSibling = null;
  buttons = [new Button()];
  matches(selector) {
    return selector === "[data-in-place]";
  }
  querySelectorAll(selector) {
    return selector === "button[aria-disabled]" ? this.buttons.filter(({ attributes }) => attributes["aria-disabled"]) : this.buttons;
  }
  addEventListener() {}
  before(element) {
    element.remove = () => (this.previousElementSibling = null);
    assert.equal(this.previousElementSibling, null, "one notice at a time");
    this.previousElementSibling = element;
  }
  append() {}
  submit() {
    sentOn += 1;
  }
};
class Button {
  attributes = {};
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  removeAttribute(name) {
    delete this.attributes[name];
  }
}
globalThis.document = {
  addEventListener(type, act) {
    if (type === "submit") listeners.push(act);
  },
  createElement() {
    return Object.assign(new Button(), { dataset: {}, remove() {}, focus: function () { focused = this; } });
  },
};
globalThis.FormData = class {
  *[Symbol.iterator]() {
    yield* Object.entries(typed);
  }
};
globalThis.fetch = async (_address, { body }) => {
  asked.push(String(body));
  return answer();
};
await import("../../../../services/portal/static/in-place.js");

async function press(form) {
  let stopped = false;
  const event = {
    target: form,
    submitter: null,
    defaultPrevented: false,
    preventDefault() {
      this.defaultPrevented = true;
    },
    stopImmediatePropagation() {
      stopped = true;
    },
  };
  for (const act of listeners) if (!stopped) await act(event);
  return event;
}

beforeEach(() => {
  asked = [];
  sentOn = 0;
  focused = null;
});

const failures = {
  "a service is away": () => new Response("<main></main>", { status: 503 }),
  "the portal is away": () => {
    throw new TypeError("Failed to fetch");
  },
};
for (const [name, failure] of Object.entries(failures)) {
  test(`when ${name}, the form stays with a notice and is sent once`, async () => {
    const form = new HTMLFormElement();
    answer = failure;
    const event = await press(form);
    const notice = form.previousElementSibling;
    assert.deepEqual([asked.length, sentOn, event.defaultPrevented], [1, 0, true]);
    assert.equal(notice.attributes.role, "alert");
    assert.match(notice.textContent, /Nội dung đã nhập vẫn còn/);
    assert.equal(focused, notice);
    assert.deepEqual([form.dataset.sent, form.buttons[0].attributes], [undefined, {}], "it may be sent again");
  });
}

test("who tries again sends the same, and sees one notice", async () => {
  const form = new HTMLFormElement();
  answer = failures["a service is away"];
  await press(form);
  await press(form);
  assert.deepEqual([asked.length, asked[0], sentOn], [2, asked[1], 0]);
  assert.match(asked[0], /^url=https/);
});

test("a form pressed twice before its answer is sent once", async () => {
  const form = new HTMLFormElement();
  let answered;
  answer = () => new Promise((resolve) => (answered = () => resolve(new Response("", { status: 503 }))));
  const first = press(form);
  await press(form);
  answered();
  await first;
  assert.equal(asked.length, 1);
});

test("who is signed out is led to the sign-in page by the browser itself", async () => {
  const form = new HTMLFormElement();
  answer = () => new Response("", { status: 401, headers: { "X-Sign-In": "/dang-nhap" } });
  globalThis.document.createElement = () => ({ remove() {} });
  await press(form);
  assert.deepEqual([asked.length, sentOn, form.previousElementSibling], [1, 1, null]);
  clearTimeout(form.dataset.sent);
});
