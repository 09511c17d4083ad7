// Read the feed along a saved cursor: java Feed.java <gateway> <partner> <key.pem, PKCS 8> <kid>   (Java 17)
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.security.*;
import java.time.Instant;
import java.util.*;

public final class Feed {
    static final HttpClient HTTP = HttpClient.newHttpClient();
    static final Path SAVED = Path.of("cursor"), NEW = Path.of("cursor.new");
    public static void main(String[] args) throws Exception {
        String cursor = Files.exists(SAVED) ? Files.readString(SAVED) : "", token = "";
        for (Instant until = Instant.EPOCH; ; ) {
            if (Instant.now().isAfter(until)) { token = token(args); until = Instant.now().plusSeconds(240); }
            HttpResponse<String> answer = HTTP.send(HttpRequest.newBuilder(URI.create(args[0] + "/events?wait=25&after=" + cursor))
                .header("Authorization", "Bearer " + token).build(), HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200) { System.err.println(answer.body()); until = Instant.EPOCH; Thread.sleep(5000); continue; }
            System.out.println(answer.body());  // a JSON array of events; each may come twice, with the same id
            cursor = answer.headers().firstValue("Next-Cursor").orElseThrow();
            Files.move(Files.writeString(NEW, cursor), SAVED, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    static String token(String[] args) throws Exception {
        byte[] der = Base64.getMimeDecoder().decode(Files.readString(Path.of(args[2])).replaceAll("-----[^-]+-----", ""));
        Signature signer = Signature.getInstance("SHA256withECDSAinP1363Format");
        signer.initSign(KeyFactory.getInstance("EC").generatePrivate(new java.security.spec.PKCS8EncodedKeySpec(der)));
        String claims = "{\"iss\":\"%1$s\",\"sub\":\"%1$s\",\"aud\":\"%2$s\",\"exp\":%3$d,\"jti\":\"%4$s\"}".formatted(args[1], args[0], Instant.now().getEpochSecond() + 60, UUID.randomUUID());
        String text = base64("{\"alg\":\"ES256\",\"kid\":\"%s\"}".formatted(args[3]).getBytes()) + "." + base64(claims.getBytes());
        signer.update(text.getBytes());
        String form = "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
            + "&client_assertion=" + text + "." + base64(signer.sign());
        HttpResponse<String> granted = HTTP.send(HttpRequest.newBuilder(URI.create(args[0] + "/oauth/token")).header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString(form)).build(), HttpResponse.BodyHandlers.ofString());
        if (granted.statusCode() != 200) throw new IllegalStateException(granted.body());
        return granted.body().replaceFirst("(?s).*\"access_token\":\"([^\"]+)\".*", "$1");
    }
    static String base64(byte[] bytes) { return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes); }
}
