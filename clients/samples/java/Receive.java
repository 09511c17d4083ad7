// Receive webhooks: javac Verify.java Receive.java && java Receive <port> <whsec_…> [the old secret during a rotation]
import com.sun.net.httpserver.*;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;

public final class Receive {
    static final int BODY_BYTES_MAX = 1 << 20;
    static final Set<String> SEEN = ConcurrentHashMap.newKeySet(); // ids that were handled; yours in a database

    public static void main(String[] args) throws IOException {
        List<String> secrets = List.of(args).subList(1, args.length);
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 0);
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readNBytes(BODY_BYTES_MAX); // the bytes that came
            exchange.sendResponseHeaders(handle(exchange.getRequestHeaders(), body, secrets), -1);
            exchange.close();
        });
        server.start(); // before it stands a web server with TLS
    }

    /** 204: handled, now or before; 400: not the gateway's. Whatever else, and the event comes again. */
    static int handle(Headers given, byte[] body, List<String> secrets) {
        Map<String, String> headers = new HashMap<>();
        given.forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values.get(0)));
        try {
            if (!Verify.verify(headers, body, secrets)) return 400;
        } catch (GeneralSecurityException broken) {
            return 500;
        }
        if (!SEEN.contains(headers.get("webhook-id"))) System.out.println(new String(body, StandardCharsets.UTF_8));
        SEEN.add(headers.get("webhook-id"));
        return 204;
    }
}
