package sigmaconvert.referee;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xpack.esql.parser.RefereeGrammar;

/** {@code POST /_referee/esql {"queries": [...]}}: what the vendor's grammar of ES|QL says of each text. */
final class EsqlSyntax extends BaseRestHandler {
    @Override
    public String getName() {
        return "referee_esql";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.POST, "/_referee/esql"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws IOException {
        List<String> answers = new ArrayList<>();
        try (var parser = request.contentParser()) {
            for (Object query : (List<?>) parser.map().get("queries")) {
                answers.add(RefereeGrammar.problem((String) query));
            }
        }
        return channel -> {
            XContentBuilder answer = channel.newBuilder().map(Map.of("errors", answers));
            channel.sendResponse(new RestResponse(RestStatus.OK, answer));
        };
    }
}
