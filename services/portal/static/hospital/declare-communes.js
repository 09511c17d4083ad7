// Communes for the mother's residence: by words of their name, without a network those of the province, or by an address.
const SUGGESTIONS_MAX = 8;

// Communes, or none while there is no network or nobody is signed in.
async function communes(path) {
  try {
    const answer = await fetch(path, { headers: { Accept: "application/json" } });
    return answer.ok ? await answer.json() : [];
  } catch {
    return [];
  }
}

// Those in which the address of a card may lie.
export const communesAt = (address) => (navigator.onLine ? communes(`/bv/xa?dia-chi=${encodeURIComponent(address)}`) : []);

let near = null;
export async function searchCommunes(text) {
  const bare = text.normalize("NFD").replace(/\p{Mn}/gu, "").replace(/[đĐ]/g, "d").toLowerCase();
  if (!near?.length) near = await communes("/bv/xa-trong-tinh");
  const words = bare.replaceAll(",", " ").split(/\s+/).filter(Boolean);
  const ours = near.filter(({ folded }) => words.every((word) => folded.includes(word))).slice(0, SUGGESTIONS_MAX);
  if (ours.length || !navigator.onLine) return ours;
  return communes(`/bv/xa?tim=${encodeURIComponent(text)}`);
}
