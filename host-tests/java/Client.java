// Java's HttpClient as a WebSocket over TLS: `java Client.java URL CA`, with the file of the authority that it is to trust.
// Whatever it doesn't get back is an error, and an exit status.

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Client {
    /** Puts together what comes in parts. */
    static class Listener implements WebSocket.Listener {
        final BlockingQueue<Object> received = new LinkedBlockingQueue<>();
        private final StringBuilder text = new StringBuilder();
        private final java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean isLast) {
            text.append(data);
            if (isLast) {
                received.add(text.toString());
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean isLast) {
            byte[] part = new byte[data.remaining()];
            data.get(part);
            bytes.writeBytes(part);
            if (isLast) {
                received.add(ByteBuffer.wrap(bytes.toByteArray()));
                bytes.reset();
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            received.add(code + " " + reason);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            received.add(error);
        }

        void expect(Object wanted) throws InterruptedException {
            Object got = received.poll(20, TimeUnit.SECONDS);
            if (!wanted.equals(got)) {
                String text = String.valueOf(got);
                throw new AssertionError(text.substring(0, Math.min(200, text.length())));
            }
        }
    }

    static SSLContext trusting(String path) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        try (InputStream file = Files.newInputStream(Path.of(path))) {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            store.setCertificateEntry("tests", factory.generateCertificate(file));
        }
        String algorithm = TrustManagerFactory.getDefaultAlgorithm();
        TrustManagerFactory managers = TrustManagerFactory.getInstance(algorithm);
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }

    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newBuilder().sslContext(trusting(arguments[1])).build();
        Listener listener = new Listener();
        URI url = URI.create(arguments[0]);
        WebSocket socket = client.newWebSocketBuilder().subprotocols("echo").buildAsync(url, listener).join();
        if (!socket.getSubprotocol().equals("echo")) throw new AssertionError(socket.getSubprotocol());
        String large = "x".repeat(1 << 20);
        for (String text : new String[] {"", "a", "Grüße 🌍", large}) {
            socket.sendText(text, true).join();
            listener.expect(text);
        }
        for (int length : new int[] {0, 1, 125, 16_384, 1 << 20}) {
            ByteBuffer data = ByteBuffer.wrap(new byte[length]);
            socket.sendBinary(data.duplicate(), true).join();
            listener.expect(data);
        }
        socket.sendText("in two ", false).join();
        socket.sendText("fragments", true).join();
        listener.expect("in two fragments");
        socket.sendClose(4001, "enough").join();
        listener.expect("4001 enough");
    }
}
