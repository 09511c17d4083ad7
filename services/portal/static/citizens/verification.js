// Compares a file with the one that was issued, by SHA-256, on this device: the file goes nowhere.
const BYTES_MAX = 64 << 20;
const part = document.querySelector("[data-file-check]");
const input = part.querySelector("input");
const verdict = part.querySelector("[data-file-verdict]");

function tell(words, bad) {
  verdict.textContent = words;
  verdict.classList.toggle("bad", bad);
  verdict.hidden = false;
}

async function compare(file) {
  if (file.size > BYTES_MAX) return tell("Tệp quá lớn, không phải giấy tờ do hệ thống cấp.", true);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found === input.dataset.sha256) return tell("KHỚP: tệp này đúng là tệp đã cấp, không bị sửa.", false);
  return tell("KHÔNG KHỚP: tệp này không phải tệp đã cấp, hoặc đã bị sửa hay in lại thành tệp khác.", true);
}

// Browsers have the digest only on secure pages.
if (globalThis.crypto?.subtle) {
  part.hidden = false;
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file) compare(file).catch(() => tell("Không đọc được tệp. Hãy chọn lại.", true));
  });
}
