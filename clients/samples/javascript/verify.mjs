// Is a webhook the gateway's, unchanged and of now? (Standard Webhooks; Node 18, nothing to install)
import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_SECONDS = 300;

// `headers` in lower case, `body` the Buffer that came; during a rotation both secrets.
export function verify(headers, body, secrets) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const given = (headers["webhook-signature"] ?? "").split(" ");
  if (!id || !/^\d{1,12}$/.test(timestamp ?? "")) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  return secrets.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
    const expected = Buffer.from(`v1,${digest}`);
    return given.some((each) => {
      const signature = Buffer.from(each);
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    });
  });
}
