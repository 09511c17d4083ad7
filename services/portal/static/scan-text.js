// What a scanner typed, understood. Pure: no page, no clock.
//
// The QR code of an identity card (CCCD) has the fields number|old number|name|ddmmyyyy|sex|address|ddmmyyyy of issue;
// newer cards add more behind them. A health-insurance card has its name as hexadecimal UTF-8. Scanners that act as a
// keyboard often read the UTF-8 as Latin-1 or Windows-1252, and drop what is no key: the first can be undone, the second
// cannot. A name that is not certainly whole is left out, for the person at the desk to type.

const CARD_FIELDS = 7;
const NUMBER = /^\d{12}$/;
const OLD_NUMBER = /^(\d{9}|\d{12})$/;
const INSURANCE = /^([A-Z]{2}\d{13}|\d{10}|\d{12})$/;
const HEX = /^([0-9a-f]{2})+$/i;
const CODE = /^\d{3}(\.\d{2}){0,3}\.[A-Z]\d{2}-\d{6}-\d{4,}$/i;
const TOKEN = /\/(?:h|track)\/([A-Za-z0-9_-]{16,64})$/;
const PAPER = /\/verify\/([A-Za-z0-9_-]{22})$/;
// Every letter of a Vietnamese text beyond ASCII, in lower case.
const LETTERS = new Set("àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ");
// Windows-1252 shows these bytes as other signs than Latin-1 does.
const WINDOWS = new Map(
  [..."€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"].map((sign, index) => [sign, 0x80 + index]),
);

const byteOf = (sign) => WINDOWS.get(sign) ?? (sign.codePointAt(0) <= 0xff ? sign.codePointAt(0) : -1);

function decoded(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return "";
  }
}

// The text behind one that was read byte by byte, empty when it was not, or not wholly.
function unmixed(text) {
  const bytes = [...text].map(byteOf);
  return bytes.includes(-1) || bytes.every((byte) => byte < 0x80) ? "" : decoded(Uint8Array.from(bytes));
}

// Without the blanks around it. Not trim(): the second byte of à, read as Latin-1, is a no-break space.
const bare = (text) => text.replace(/^[ \r\n\t]+|[ \r\n\t]+$/g, "");

const isLetter = (sign) => sign.codePointAt(0) < 0x80 || LETTERS.has(sign.toLowerCase());

// The text with its Vietnamese letters, or empty when some may be lost.
export function repaired(text, { punctuation = false } = {}) {
  const given = text.normalize("NFC");
  const found = (unmixed(text) || given).normalize("NFC").replace(/\s+/g, " ").trim();
  const signs = [...found];
  const plain = punctuation ? /^[\x20-\x7e]$/ : /^[A-Za-z' -]$/;
  if (!signs.every((sign) => isLetter(sign) && (sign.codePointAt(0) >= 0x80 || plain.test(sign)))) return "";
  // Without a single mark the marked letters were dropped: a Vietnamese name has one nearly always.
  if (!signs.some((sign) => sign.codePointAt(0) >= 0x80)) return "";
  // Ã is what a two-byte letter leaves when its second byte is lost, unless letters that no byte can be prove otherwise.
  const whole = found !== given || signs.some((sign) => sign.codePointAt(0) > 0xff);
  return !whole && found.includes("Ã") ? "" : found;
}

// 02091990 or 02/09/1990 as 02/09/1990; empty for no real day.
export function dayOf(text) {
  const parts = /^(\d{2})\/?(\d{2})\/?(\d{4})$/.exec(text.trim());
  if (!parts) return "";
  const [, day, month, year] = parts.map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  const real = date.getUTCDate() === day && date.getUTCMonth() === month - 1 && date.getUTCFullYear() === year;
  return real ? `${parts[1]}/${parts[2]}/${parts[3]}` : "";
}

// Even: a man's number, odd: a woman's (NĐ 137/2015/NĐ-CP Điều 7).
export const isWoman = (number) => Number(number[3]) % 2 === 1;

function identityCard(fields) {
  const [number, old, name, born, , address, issued] = fields.map(bare);
  const oldNumber = OLD_NUMBER.test(old) ? old : "";
  return {
    kind: "identity-card",
    number,
    oldNumber,
    name: repaired(name),
    birthDay: dayOf(born),
    address: repaired(address, { punctuation: true }),
    issuedOn: dayOf(issued),
  };
}

function insuranceCard(fields) {
  const bytes = Uint8Array.from(fields[1].match(/../g), (pair) => Number.parseInt(pair, 16));
  return { kind: "insurance-card", number: fields[0].trim().toUpperCase(), name: repaired(decoded(bytes)), birthDay: dayOf(fields[2] ?? "") };
}

// What was scanned. `kind` is identity-card, insurance-card, tracking, paper, code, number or text.
export function readScan(text) {
  const given = bare(text);
  const fields = given.split("|");
  if (fields.length >= CARD_FIELDS && NUMBER.test(fields[0].trim())) return identityCard(fields);
  if (fields.length >= 2 && INSURANCE.test(fields[0].trim().toUpperCase()) && HEX.test(fields[1])) return insuranceCard(fields);
  const token = TOKEN.exec(given);
  if (token) return { kind: "tracking", token: token[1] };
  const paper = PAPER.exec(given);
  if (paper) return { kind: "paper", token: paper[1] };
  if (CODE.test(given)) return { kind: "code", code: given.toUpperCase() };
  if (NUMBER.test(given)) return { kind: "number", number: given };
  return { kind: "text", text: given };
}

// Whether the text can only have come from a card, however slowly it was typed.
export const isCard = (text) => ["identity-card", "insurance-card"].includes(readScan(text).kind);
