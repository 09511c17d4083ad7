// What a maternity desk types, judged where it is typed, as the city reads it (hospital/typed.py, forms/dates_typed.py,
// libs/catalogue/identifiers.py): without a network the mother has left before the city can say no. The city stays the
// judge; both answer one table of tests. Pure.
const FIRST_YEAR = 1900;
const LAST_YEAR = 2199;
const GRAMS_MIN = 200;
const GRAMS_MAX = 8000;
const DAY_LENGTH_MAX = 30;

function isInCalendar(day, month, year) {
  if (year < FIRST_YEAR || year > LAST_YEAR) return false;
  const at = new Date(Date.UTC(year, month - 1, day));
  return at.getUTCFullYear() === year && at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
}

// Every day the text can stand for, as [day, month, year].
function readings(text) {
  const parted = /^(\d{1,2})\s*[/.\- ]\s*(\d{1,2})\s*[/.\- ]\s*(\d{4})$/.exec(text);
  if (parted) return [parted.slice(1).map(Number)];
  const yearFirst = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (yearFirst) return [yearFirst.slice(1).map(Number).toReversed()];
  if (!/^\d{6,8}$/.test(text)) return [];
  const [front, year] = [text.slice(0, -4), Number(text.slice(-4))];
  const cuts = [1, 2].filter((cut) => front.length - cut === 1 || front.length - cut === 2);
  return cuts.map((cut) => [Number(front.slice(0, cut)), Number(front.slice(cut)), year]);
}

function isDay(typed) {
  const text = typed.normalize("NFKC").trim();
  return text.length <= DAY_LENGTH_MAX && readings(text).filter((one) => isInCalendar(...one)).length === 1;
}

function isClock(typed) {
  const found = /^(\d{1,2})(?:\s*(?:giờ|h|g|:|\.)\s*|(?=\d{2}$))(\d{2})?(?:\s*(?:phút|p))?$/.exec(typed.toLowerCase());
  return Boolean(found) && Number(found[1]) < 24 && Number(found[2] ?? 0) < 60;
}

function isWeight(typed) {
  const text = typed.toLowerCase();
  const whole = /^(\d{3,5})(?:\s*(?:g|gam|gram))?$/.exec(text) ?? /^(\d)\.(\d{3})(?:\s*(?:g|gam|gram))?$/.exec(text);
  const kilograms = /^(\d{1,2})[.,](\d{1,3})(?:\s*kg)?$/.exec(text);
  let grams = -1;
  if (whole) grams = Number(whole.slice(1).join(""));
  else if (kilograms) grams = Number(kilograms[1]) * 1000 + Number(kilograms[2].padEnd(3, "0"));
  return grams >= GRAMS_MIN && grams <= GRAMS_MAX;
}

function isPhone(typed) {
  const number = typed.replace(/[\s.\-()]+/g, "").replace(/(?:\+|00)?84(?=[0-9]{9,11}$)0?/, "0");
  return /^(?:0[35789][0-9]{8}|02[0-9]{9})$/.test(number);
}

// The city knows, besides, which provinces there are and the mother's year of birth.
const isIdentity = (typed) => /^(?:[0-9]{12}|[0-9]{9}|[A-Z][0-9]{7})$/.test(typed.replace(/\s+/g, "").toUpperCase());

const CHECKS = { day: isDay, clock: isClock, weight: isWeight, phone: isPhone, identity: isIdentity };

// Whether `typed` can be meant as one of `kind`.
export const isReadable = (kind, typed) => CHECKS[kind](typed.trim());
