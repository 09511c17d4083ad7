import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Check a webhook of Một Cửa (Standard Webhooks) before anything in it is believed. JDK only. */
public final class Webhook {
    private static final long TOLERANCE_SECONDS = 300;

    private Webhook() {}

    /** The event's id, to drop repeats by. {@code body}: the bytes as received. */
    public static String verify(String secret, Map<String, String> headers, byte[] body, Instant now)
            throws GeneralSecurityException {
        String id = headers.get("webhook-id");
        long timestamp = Long.parseLong(headers.get("webhook-timestamp"));
        if (Math.abs(now.getEpochSecond() - timestamp) > TOLERANCE_SECONDS) {
            throw new GeneralSecurityException("timestamp too old or too new");
        }
        byte[] key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
        byte[] expected = mac.doFinal(body);
        for (String signature : headers.get("webhook-signature").split(" ")) {
            String[] parts = signature.split(",", 2);
            if (parts.length == 2 && parts[0].equals("v1")
                    && MessageDigest.isEqual(Base64.getDecoder().decode(parts[1]), expected)) {
                return id;
            }
        }
        throw new GeneralSecurityException("no signature fits");
    }
}
