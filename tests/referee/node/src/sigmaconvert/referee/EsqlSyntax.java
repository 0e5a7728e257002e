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

/**
 * What the vendor's grammar of ES|QL says of texts: {@code POST /_referee/esql {"queries": [...]}} answers the error of
 * each, {@code POST /_referee/esql_trees {"queries": [...]}} its tree, null where there is an error.
 */
final class EsqlSyntax extends BaseRestHandler {
    private static final String TREES = "/_referee/esql_trees";

    @Override
    public String getName() {
        return "referee_esql";
    }

    @Override
    public List<Route> routes() {
        return List.of(
                new Route(RestRequest.Method.POST, "/_referee/esql"), new Route(RestRequest.Method.POST, TREES));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws IOException {
        boolean trees = request.path().equals(TREES);
        List<Object> answers = new ArrayList<>();
        try (var parser = request.contentParser()) {
            for (Object query : (List<?>) parser.map().get("queries")) {
                answers.add(trees ? RefereeGrammar.tree((String) query) : RefereeGrammar.problem((String) query));
            }
        }
        return channel -> {
            XContentBuilder answer = channel.newBuilder().map(Map.of(trees ? "trees" : "errors", answers));
            channel.sendResponse(new RestResponse(RestStatus.OK, answer));
        };
    }
}
