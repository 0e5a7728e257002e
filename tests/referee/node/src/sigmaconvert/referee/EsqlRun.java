package sigmaconvert.referee;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.List;
import java.util.Map;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/** {@code POST /_referee/esql_run}: queries of ES|QL over rows in memory; see {@link sigmaconvert.referee.vendor.Queries}. */
final class EsqlRun extends BaseRestHandler {
    private MethodHandle answer;

    @Override
    public String getName() {
        return "referee_esql_run";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.POST, "/_referee/esql_run"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws IOException {
        Map<String, Object> asked;
        try (var parser = request.contentParser()) {
            asked = parser.mapOrdered();
        }
        List<?> answers = answered(asked);
        return channel -> {
            XContentBuilder answer = channel.newBuilder().map(Map.of("answers", answers));
            channel.sendResponse(new RestResponse(RestStatus.OK, answer));
        };
    }

    private synchronized List<?> answered(Map<String, Object> asked) {
        try {
            if (answer == null) {
                Class<?> queries = new VendorClasses(EsqlRun.class.getClassLoader()).loadClass(VendorClasses.OURS + "Queries");
                answer = MethodHandles.publicLookup()
                        .findStatic(queries, "answer", MethodType.methodType(List.class, Map.class));
            }
            return (List<?>) answer.invoke(asked);
        } catch (RuntimeException | Error error) {
            throw error;
        } catch (Throwable error) {
            throw new IllegalStateException(error);
        }
    }
}
