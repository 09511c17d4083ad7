// Read the feed along a saved cursor (Node 18, nothing to install). It may be ended at any time: nothing is lost.
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const [gateway, partner, keyFile, kid] = process.argv.slice(2);
const key = createPrivateKey(readFileSync(keyFile)); // P-256, PEM
const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
let token = { value: "", until: 0 };

async function bearer() {
  if (Date.now() < token.until) return token.value;
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: partner, sub: partner, aud: gateway, iat: now, exp: now + 60, jti: randomUUID() };
  const text = `${base64({ alg: "ES256", kid })}.${base64(claims)}`;
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
  const body = new URLSearchParams({ grant_type: "client_credentials", client_assertion: `${text}.${signature}`,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" });
  const answer = await fetch(`${gateway}/oauth/token`, { method: "POST", body });
  if (!answer.ok) throw new Error(`no token: ${await answer.text()}`);
  const granted = await answer.json();
  token = { value: granted.access_token, until: Date.now() + (granted.expires_in - 30) * 1000 };
  return token.value;
}

for (let cursor = existsSync("cursor") ? readFileSync("cursor", "utf8") : ""; ; ) {
  try {
    const headers = { authorization: `Bearer ${await bearer()}` };
    const answer = await fetch(`${gateway}/events?wait=25&after=${cursor}`, { headers });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`); // 410: events after it are gone
    for (const event of await answer.json()) console.log(event.type, event.subject, event.id); // may come twice
    cursor = answer.headers.get("next-cursor");
    writeFileSync("cursor.new", cursor); renameSync("cursor.new", "cursor");
  } catch (error) {
    console.error(error.message); token.until = 0; await new Promise((done) => setTimeout(done, 5000));
  }
}
