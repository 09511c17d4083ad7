// People on the desk's form: what a card says goes to whose it is, and nobody is asked twice for what stands there.
import { toEmpty } from "./kept.js";

const form = () => document.getElementById("tiep-nhan");

export function fill(path, value) {
  if (!value) return;
  const input = document.getElementById(`form.${path}`);
  if (!input) return;
  input.value = value;
  const origin = form().elements.namedItem(`nguon.${path}`);
  if (origin) origin.value = "scanned";
}

// A card scanned while a box of another person has the focus is that person's; else whoever stands at the counter.
function personOf(element) {
  const id = element?.id ?? "";
  const found = /^form\.((?:[a-z_]+|\d+)(?:\.\d+)?)\./.exec(id);
  return found && document.getElementById(`form.${found[1]}.identity.number`) ? found[1] : "applicant";
}

// What the former person said must not be taken for this one's.
function emptyFormer(person, scan) {
  const valueOf = (name) => document.getElementById(`form.${person}.${name}`)?.value ?? "";
  const former = { identity: valueOf("identity.number"), insurance: valueOf("insurance_card_number") };
  const scanned = { [scan.kind === "identity-card" ? "identity" : "insurance"]: scan.number };
  for (const name of toEmpty(former, scanned)) {
    const input = document.getElementById(`form.${person}.${name}`);
    if (input) input.value = "";
    const origin = form().elements.namedItem(`nguon.${person}.${name}`);
    if (origin?.type === "hidden") origin.value = "";
  }
}

// Fills in whose card it is, and says who that is.
export function fillPerson(scan, element) {
  const person = personOf(element);
  emptyFormer(person, scan);
  fill(`${person}.name`, scan.name);
  fill(`${person}.birth_date`, scan.birthDay);
  fill(`${person}.address`, scan.address);
  if (scan.kind === "identity-card") {
    fill(`${person}.identity.number`, scan.number);
    fill(`${person}.identity.kind`, "citizen_id");
    fill(`${person}.identity.issued_on`, scan.issuedOn);
  } else fill(`${person}.insurance_card_number`, scan.number);
  return person;
}

// Who asks for themselves is not asked twice (WCAG 3.3.7): empty boxes of the subject take what the applicant's hold.
export function fillSubject() {
  for (const given of form().querySelectorAll("[id^='form.applicant.']")) {
    const path = given.id.replace("form.applicant.", "");
    const box = document.getElementById(`form.subject.${path}`);
    if (!box || box.value || !given.value) continue;
    box.value = given.value;
    const [from, to] = ["applicant", "subject"].map((who) => form().elements.namedItem(`nguon.${who}.${path}`));
    if (from && to) to.value = from.value;
  }
}
