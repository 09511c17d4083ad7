// Which check of a webhook's signature fails, and what that usually means. In the browser: the secret stays there.
const TOLERANCE_SECONDS = 300;
const PREFIX = "whsec_";
// Standard Webhooks: 24 to 64 random bytes.
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
export const HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"];

const said = (code, words) => ({ ok: false, code, words });
const bytesOf = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

/** Headers as they are pasted: a name, then a colon, a tab or a new line, then its value. */
export function readHeaders(text) {
  const found = {};
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  for (let at = 0; at < lines.length; at += 1) {
    const [, name, value] = /^([\w-]+)\s*[:\t]\s*(.*)$/.exec(lines[at]) ?? [];
    // A list that was copied from a page has the value below its name.
    if (name) found[name.toLowerCase()] = value.trim();
    else if (/^[\w-]+$/.test(lines[at]) && at + 1 < lines.length) found[lines[at].toLowerCase()] = lines[(at += 1)];
  }
  return found;
}

async function signatureOf(key, id, timestamp, body) {
  const usable = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const text = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", usable, text))));
}

/** Ways a body is changed between the wire and the check, as often seen. */
function* changed(body) {
  yield [`${body}\n`, "thân đã mất dấu xuống dòng ở cuối"];
  yield [body.replace(/\r?\n$/, ""), "thân có thêm dấu xuống dòng ở cuối"];
  yield [body.trim(), "thân có thêm khoảng trắng ở đầu hoặc cuối"];
  yield [body.replaceAll("\r\n", "\n"), "dấu xuống dòng đã bị đổi"];
  try {
    yield [JSON.stringify(JSON.parse(body)), "thân đã được đọc rồi viết lại thành JSON khác"];
  } catch {
    // Not JSON: there is nothing to write anew.
  }
}

/** {ok, code, words}: the first check that fails, in the order a receiver makes them. */
export async function check({ secret, headers, body, now = Date.now() / 1000 }) {
  const missing = HEADERS.filter((name) => !headers[name]);
  if (missing.length) return said("header-missing", `Thiếu tiêu đề ${missing.join(", ")}.`);
  const timestamp = headers["webhook-timestamp"];
  if (!/^[0-9]{1,12}$/.test(timestamp)) return said("timestamp-malformed", "webhook-timestamp phải là số giây từ năm 1970.");
  const key = secret.trim().startsWith(PREFIX) ? secret.trim().slice(PREFIX.length) : "";
  if (!key) return said("secret-malformed", `Khóa bí mật phải bắt đầu bằng ${PREFIX}.`);
  if (!BASE64.test(key)) return said("secret-malformed", `Sau ${PREFIX} phải là base64, có thể đã chép thiếu.`);
  const bytes = bytesOf(key);
  if (bytes.length < SECRET_BYTES_MIN || bytes.length > SECRET_BYTES_MAX) {
    return said("secret-malformed", `Khóa bí mật dài ${bytes.length} byte; phải từ ${SECRET_BYTES_MIN} đến ${SECRET_BYTES_MAX}, có thể đã chép thiếu.`);
  }
  const given = headers["webhook-signature"].split(" ").filter((one) => one.startsWith("v1,")).map((one) => one.slice(3));
  if (!given.length) return said("signature-malformed", "webhook-signature không có chữ ký nào dạng v1,<base64>.");
  const id = headers["webhook-id"];
  const fits = async (text) => given.includes(await signatureOf(bytes, id, timestamp, text));
  if (!(await fits(body))) {
    for (const [other, words] of changed(body)) {
      if (other !== body && (await fits(other))) {
        return said("body-differs", `Nội dung khác với nội dung đã ký: ${words}. Hãy kiểm trên đúng các byte nhận được, trước khi đọc JSON.`);
      }
    }
    return said("signature-differs", "Không chữ ký nào khớp: khóa bí mật của webhook khác, hoặc webhook-id, webhook-timestamp hay nội dung đã bị đổi.");
  }
  const age = Math.round(now - Number(timestamp));
  if (Math.abs(age) > TOLERANCE_SECONDS) {
    const when = age > 0 ? `${age} giây trước` : `${-age} giây sau`;
    return said("timestamp-outside", `Chữ ký khớp, nhưng đã ký ${when} so với đồng hồ máy này; chỉ nhận trong ${TOLERANCE_SECONDS} giây. Với yêu cầu vừa đến, hãy chỉnh đồng hồ; yêu cầu cũ thì đúng là phải từ chối.`);
  }
  return { ok: true, code: "verified", words: "Chữ ký đúng, trong thời gian cho phép." };
}
