package sigmaconvert.referee;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.common.bytes.BytesArray;
import org.elasticsearch.common.bytes.BytesReference;
import org.elasticsearch.common.component.AbstractLifecycleComponent;
import org.elasticsearch.common.transport.BoundTransportAddress;
import org.elasticsearch.common.transport.TransportAddress;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.common.util.PageCacheRecycler;
import org.elasticsearch.http.HttpBody;
import org.elasticsearch.http.HttpChannel;
import org.elasticsearch.http.HttpInfo;
import org.elasticsearch.http.HttpRequest;
import org.elasticsearch.http.HttpResponse;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.http.HttpStats;
import org.elasticsearch.rest.AbstractRestChannel;
import org.elasticsearch.rest.ChunkedRestResponseBodyPart;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.transport.BytesRefRecycler;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.XContentParserConfiguration;

/** HTTP of the node on a free port of the loopback address, by the JDK's own server. */
final class LoopbackHttp extends AbstractLifecycleComponent implements HttpServerTransport {
    private final Dispatcher dispatcher;
    private final ThreadContext threads;
    private final XContentParserConfiguration parsing;
    private final BytesRefRecycler recycler;
    private final ExecutorService workers = Executors.newFixedThreadPool(4);
    private HttpServer server;

    LoopbackHttp(Dispatcher dispatcher, ThreadContext threads, NamedXContentRegistry names, PageCacheRecycler pages) {
        this.dispatcher = dispatcher;
        this.threads = threads;
        this.parsing = XContentParserConfiguration.EMPTY.withRegistry(names);
        this.recycler = new BytesRefRecycler(pages);
    }

    @Override
    protected void doStart() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        server.setExecutor(workers);
        server.createContext("/", this::handle);
        server.start();
    }

    private void handle(HttpExchange exchange) throws IOException {
        Request request = new Request(exchange, exchange.getRequestBody().readAllBytes());
        CountDownLatch sent = new CountDownLatch(1);
        try (var ignored = threads.stashContext()) {
            RestRequest rest = RestRequest.request(parsing, request, new Channel(exchange));
            dispatcher.dispatchRequest(rest, new Answer(rest, exchange, sent), threads);
        } catch (RuntimeException | LinkageError error) {
            // The node answers exceptions itself; what is left must not leave the client waiting.
            byte[] said = String.valueOf(error).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(RestStatus.INTERNAL_SERVER_ERROR.getStatus(), said.length);
            exchange.getResponseBody().write(said);
            sent.countDown();
        }
        try {
            sent.await();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } finally {
            exchange.close();
        }
    }

    /** Sends what a handler answers. */
    private final class Answer extends AbstractRestChannel {
        private final HttpExchange exchange;
        private final CountDownLatch sent;

        Answer(RestRequest request, HttpExchange exchange, CountDownLatch sent) {
            super(request, true);
            this.exchange = exchange;
            this.sent = sent;
        }

        @Override
        public void sendResponse(RestResponse response) {
            try (response) {
                response.filterHeaders(threads.getResponseHeaders()).forEach((name, values) -> add(name, values));
                response.getHeaders().forEach((name, values) -> add(name, values));
                exchange.getResponseHeaders().set("Content-Type", response.contentType());
                boolean empty = request().method() == RestRequest.Method.HEAD;
                if (response.isChunked()) {
                    exchange.sendResponseHeaders(response.status().getStatus(), empty ? -1 : 0);
                    ChunkedRestResponseBodyPart part = response.chunkedContent();
                    while (!empty && !part.isPartComplete()) {
                        try (var chunk = part.encodeChunk(1 << 16, recycler)) {
                            chunk.writeTo(exchange.getResponseBody());
                        }
                    }
                } else {
                    BytesReference body = response.content();
                    int length = body.length();
                    exchange.sendResponseHeaders(response.status().getStatus(), empty || length == 0 ? -1 : length);
                    if (!empty && length > 0) {
                        body.writeTo(exchange.getResponseBody());
                    }
                }
                exchange.getResponseBody().close();
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            } finally {
                sent.countDown();
            }
        }

        private void add(String name, List<String> values) {
            values.forEach(value -> exchange.getResponseHeaders().add(name, value));
        }
    }

    private record Channel(HttpExchange exchange) implements HttpChannel {
        @Override
        public void sendResponse(HttpResponse response, ActionListener<Void> listener) {
            listener.onFailure(new UnsupportedOperationException());
        }

        @Override
        public InetSocketAddress getLocalAddress() {
            return exchange.getLocalAddress();
        }

        @Override
        public InetSocketAddress getRemoteAddress() {
            return exchange.getRemoteAddress();
        }

        @Override
        public void close() {}

        @Override
        public void addCloseListener(ActionListener<Void> listener) {}

        @Override
        public boolean isOpen() {
            return true;
        }
    }

    private static final class Request implements HttpRequest {
        private final HttpExchange exchange;
        private HttpBody body;

        Request(HttpExchange exchange, byte[] bytes) {
            this.exchange = exchange;
            this.body = HttpBody.fromBytesReference(new BytesArray(bytes));
        }

        @Override
        public RestRequest.Method method() {
            return RestRequest.Method.valueOf(exchange.getRequestMethod());
        }

        @Override
        public String uri() {
            return exchange.getRequestURI().toString();
        }

        @Override
        public Map<String, List<String>> getHeaders() {
            return exchange.getRequestHeaders();
        }

        @Override
        public HttpBody body() {
            return body;
        }

        @Override
        public void setBody(HttpBody body) {
            this.body = body;
        }

        @Override
        public List<String> strictCookies() {
            return List.of();
        }

        @Override
        public HttpVersion protocolVersion() {
            return HttpVersion.HTTP_1_1;
        }

        @Override
        public HttpRequest removeHeader(String header) {
            return this;
        }

        @Override
        public boolean hasContent() {
            return !body.isEmpty();
        }

        @Override
        public HttpResponse createResponse(RestStatus status, BytesReference content) {
            throw new UnsupportedOperationException();
        }

        @Override
        public HttpResponse createResponse(RestStatus status, ChunkedRestResponseBodyPart first) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Exception getInboundException() {
            return null;
        }

        @Override
        public void release() {}
    }

    @Override
    public BoundTransportAddress boundAddress() {
        TransportAddress address = new TransportAddress(server.getAddress());
        return new BoundTransportAddress(new TransportAddress[] {address}, address);
    }

    @Override
    public HttpInfo info() {
        return new HttpInfo(boundAddress(), Long.MAX_VALUE);
    }

    @Override
    public HttpStats stats() {
        return HttpStats.IDENTITY;
    }

    @Override
    protected void doStop() {
        server.stop(0);
        workers.shutdownNow();
    }

    @Override
    protected void doClose() {}
}
