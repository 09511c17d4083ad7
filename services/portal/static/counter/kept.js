// What is kept of the desk in this tab is its officer's: whoever signs in after them finds nothing of it.
const PREFIX = "quay:";

const own = (login) => `${PREFIX}${login}`;
const names = (storage) => Array.from({ length: storage.length }, (_, index) => storage.key(index));

// What this officer had typed, or null. What others left is forgotten.
export function keptOf(storage, login) {
  for (const name of names(storage)) if (name.startsWith(PREFIX) && name !== own(login)) storage.removeItem(name);
  return JSON.parse(storage.getItem(own(login)) ?? "null");
}

export const keepFor = (storage, login, typed) => storage.setItem(own(login), JSON.stringify(typed));
export const forget = (storage, login) => storage.removeItem(own(login));

// Boxes of a person that speak of nobody else: they go when another person's card is scanned into the same place.
const PERSONAL = ["name", "birth_date", "address", "phone", "email", "identity.number", "identity.issued_on", "insurance_card_number"];

// Which of them to empty before a card is filled in. `former` and `scanned`: number of identity, number of insurance.
export function toEmpty(former, scanned) {
  const differs = (name) => Boolean(former[name] && scanned[name] && former[name].trim() !== scanned[name]);
  return differs("identity") || differs("insurance") ? PERSONAL : [];
}
