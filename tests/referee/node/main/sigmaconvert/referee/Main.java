package sigmaconvert.referee;

import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Runs one node of Elasticsearch in the folder that is its argument, until standard input ends, so that it cannot
 * outlive the process that wants it. The address of its HTTP is in the file {@code address} once it answers.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        Settings settings = Settings.builder()
                .put("path.home", home)
                .put("node.name", "referee")
                .put("cluster.name", "referee")
                .put("discovery.type", "single-node")
                .put("cluster.routing.allocation.disk.threshold_enabled", false)
                .build();
        Environment environment = new Environment(settings, home.resolve("config"));
        LogConfigurator.registerErrorListener();
        LogConfigurator.configure(environment, true);
        PluginsLoader loader = PluginsLoader.createPluginsLoader(
                PluginsLoader.loadModulesBundles(environment.modulesDir()),
                PluginsLoader.loadPluginsBundles(environment.pluginsDir()),
                Map.of(),
                false);
        try (Node node = new Node(environment, loader)) {
            node.start();
            var address = node.injector()
                    .getInstance(HttpServerTransport.class)
                    .boundAddress()
                    .publishAddress();
            Path written = Files.writeString(home.resolve("address.new"), "http://127.0.0.1:" + address.getPort());
            Files.move(written, home.resolve("address"), StandardCopyOption.ATOMIC_MOVE);
            System.in.transferTo(OutputStream.nullOutputStream());
            node.prepareForClose();
            node.close();
            node.awaitClose(10, TimeUnit.SECONDS);
        }
        System.exit(0);
    }
}
