import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Java's own SunJSSE: default context, default trust managers, names as for HTTPS. */
public final class FidelityClient {
    private static final int DEADLINE_MILLISECONDS = 5000;
    private static final int MAX_ANSWER_BYTES = 64 * 1024;

    private static KeyStore load(String path) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = Files.newInputStream(Path.of(path))) {
            int count = 0;
            for (Certificate root :
                    CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                store.setCertificateEntry("root-" + count++, root);
            }
        }
        return store;
    }

    /** A context for each case: none resumes the session of another. */
    private static SSLContext trusting(String path) throws IOException, GeneralSecurityException {
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(load(path));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private static void readAnswer(SSLSocket tls) {
        long until = System.nanoTime() + DEADLINE_MILLISECONDS * 1_000_000L;
        try {
            tls.getOutputStream()
                    .write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            InputStream in = tls.getInputStream();
            byte[] octets = new byte[4096];
            for (int total = 0; total < MAX_ANSWER_BYTES; ) {
                int left = (int) ((until - System.nanoTime()) / 1_000_000L);
                if (left <= 0) {
                    return;
                }
                tls.setSoTimeout(left);
                int got = in.read(octets);
                if (got < 0) {
                    return;
                }
                total += got;
            }
        } catch (IOException afterTheHandshake) {
            // What becomes of the application data is no longer the question.
        }
    }

    /** Null, or why the server was refused. */
    private static Throwable connect(int port, String name, SSLContext context) {
        try (Socket plain = new Socket()) {
            plain.setSoTimeout(DEADLINE_MILLISECONDS);
            plain.connect(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
                    DEADLINE_MILLISECONDS);
            try (SSLSocket tls =
                    (SSLSocket) context.getSocketFactory().createSocket(plain, name, port, true)) {
                SSLParameters parameters = tls.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                tls.setSSLParameters(parameters);
                tls.startHandshake();
                readAnswer(tls);
                return null;
            }
        } catch (IOException | RuntimeException | StackOverflowError refused) {
            return refused;
        }
    }

    private static String describe(Throwable error) {
        String text = error.getClass().getSimpleName() + ": " + error.getMessage();
        return text.replaceAll("\\p{Cntrl}", " ");
    }

    private static String answer(String line) {
        String[] fields = line.split("\t", -1);
        SSLContext context;
        try {
            context = trusting(fields[2]);
        } catch (IOException | GeneralSecurityException | RuntimeException error) {
            return "refused\troots: " + describe(error);
        }
        Throwable refused = connect(Integer.parseInt(fields[0]), fields[1], context);
        return refused == null ? "accepted" : "refused\t" + describe(refused);
    }

    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        if (arguments.length > 0 && arguments[0].equals("--version")) {
            out.println(System.getProperty("java.version"));
            return;
        }
        BufferedReader cases =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = cases.readLine(); line != null; line = cases.readLine()) {
            out.println(answer(line));
        }
    }
}
