package sigmaconvert.referee.vendor;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.lucene.util.BytesRef;
import org.elasticsearch.TransportVersion;
import org.elasticsearch.common.util.BigArrays;
import org.elasticsearch.compute.data.Block;
import org.elasticsearch.compute.data.BlockFactory;
import org.elasticsearch.compute.data.BooleanBlock;
import org.elasticsearch.compute.data.BytesRefBlock;
import org.elasticsearch.compute.data.DoubleBlock;
import org.elasticsearch.compute.data.IntBlock;
import org.elasticsearch.compute.data.LongBlock;
import org.elasticsearch.compute.data.Page;
import org.elasticsearch.compute.operator.DriverContext;
import org.elasticsearch.compute.operator.Warnings;
import org.elasticsearch.index.IndexMode;
import org.elasticsearch.xpack.esql.analysis.Analyzer;
import org.elasticsearch.xpack.esql.analysis.AnalyzerContext;
import org.elasticsearch.xpack.esql.analysis.EnrichResolution;
import org.elasticsearch.xpack.esql.analysis.UnmappedResolution;
import org.elasticsearch.xpack.esql.analysis.Verifier;
import org.elasticsearch.xpack.esql.approximation.ApproximationSettings;
import org.elasticsearch.xpack.esql.core.QlClientException;
import org.elasticsearch.xpack.esql.core.expression.Alias;
import org.elasticsearch.xpack.esql.core.expression.Attribute;
import org.elasticsearch.xpack.esql.core.expression.Expression;
import org.elasticsearch.xpack.esql.core.expression.FoldContext;
import org.elasticsearch.xpack.esql.core.expression.NamedExpression;
import org.elasticsearch.xpack.esql.core.type.DataType;
import org.elasticsearch.xpack.esql.core.type.EsField;
import org.elasticsearch.xpack.esql.evaluator.EvalMapper;
import org.elasticsearch.xpack.esql.expression.function.EsqlFunctionRegistry;
import org.elasticsearch.xpack.esql.index.EsIndex;
import org.elasticsearch.xpack.esql.index.IndexResolution;
import org.elasticsearch.xpack.esql.inference.InferenceResolution;
import org.elasticsearch.xpack.esql.optimizer.LogicalOptimizerContext;
import org.elasticsearch.xpack.esql.optimizer.LogicalPlanOptimizer;
import org.elasticsearch.xpack.esql.parser.EsqlConfig;
import org.elasticsearch.xpack.esql.parser.EsqlParser;
import org.elasticsearch.xpack.esql.plan.IndexPattern;
import org.elasticsearch.xpack.esql.plan.logical.Aggregate;
import org.elasticsearch.xpack.esql.plan.logical.EsRelation;
import org.elasticsearch.xpack.esql.plan.logical.Eval;
import org.elasticsearch.xpack.esql.plan.logical.Filter;
import org.elasticsearch.xpack.esql.plan.logical.Limit;
import org.elasticsearch.xpack.esql.plan.logical.LogicalPlan;
import org.elasticsearch.xpack.esql.plan.logical.MvExpand;
import org.elasticsearch.xpack.esql.plan.logical.OrderBy;
import org.elasticsearch.xpack.esql.plan.logical.Project;
import org.elasticsearch.xpack.esql.plan.logical.Row;
import org.elasticsearch.xpack.esql.plan.logical.TopN;
import org.elasticsearch.xpack.esql.plan.logical.UnaryPlan;
import org.elasticsearch.xpack.esql.plan.logical.UnresolvedRelation;
import org.elasticsearch.xpack.esql.plan.logical.local.LocalRelation;
import org.elasticsearch.xpack.esql.planner.Layout;
import org.elasticsearch.xpack.esql.plugin.QueryPragmas;
import org.elasticsearch.xpack.esql.session.Configuration;
import org.elasticsearch.xpack.esql.telemetry.Metrics;
import org.elasticsearch.xpack.esql.type.EsqlDataTypeConverter;

/**
 * Runs queries of ES|QL over rows in memory, as far as the vendor's published classes go: its parser, analyzer with all
 * checks of types, and the code of every operator and scalar function. What moves rows is ours: WHERE keeps those whose
 * condition is true, KEEP, DROP and RENAME choose columns, LIMIT takes the first. Nothing else is done.
 */
public final class Queries {
    private static final EsqlFunctionRegistry FUNCTIONS = new EsqlFunctionRegistry();
    private static final EsqlParser PARSER = new EsqlParser(new EsqlConfig(false, FUNCTIONS));

    private Queries() {}

    /** Columns with their values so far. */
    record Table(List<Attribute> columns, List<Block> blocks, int positions) {
        Block compute(Expression expression) {
            Layout.Builder layout = new Layout.Builder();
            columns.forEach(layout::append);
            var blockFactory = BlockFactory.builder(BigArrays.NON_RECYCLING_INSTANCE).build();
            var context = new DriverContext(BigArrays.NON_RECYCLING_INSTANCE, blockFactory, null);
            try (var evaluator = EvalMapper.toEvaluator(FoldContext.small(), expression, layout.build()).get(context)) {
                return evaluator.eval(new Page(positions, blocks.toArray(Block[]::new)));
            }
        }

        Table with(List<Alias> fields) {
            Table now = this;
            for (Alias field : fields) {
                List<Attribute> attributes = new ArrayList<>(now.columns);
                List<Block> values = new ArrayList<>(now.blocks);
                values.add(now.compute(field.child()));
                attributes.add(field.toAttribute());
                now = new Table(attributes, values, positions);
            }
            return now;
        }

        /** Returns the rows at these positions, which may come in any order and more than once. */
        Table only(int... kept) {
            List<Block> values = blocks.stream().map(block -> block.filter(true, kept)).toList();
            return new Table(columns, values, kept.length);
        }

        Table project(List<? extends NamedExpression> chosen) {
            List<Attribute> attributes = new ArrayList<>();
            List<Block> values = new ArrayList<>();
            for (NamedExpression one : chosen) {
                values.add(compute(one instanceof Alias alias ? alias.child() : one));
                attributes.add(one.toAttribute());
            }
            return new Table(attributes, values, positions);
        }
    }

    /**
     * Answers {@code {"columns": {name: type}, "rows": [[value or list of values, ...], ...], "queries": [text, ...]}}
     * with a result for each query: its columns as {@code [name, type]}, rows and warnings; or the vendor's error; or
     * what is lacking here.
     */
    @SuppressWarnings("unchecked")
    public static List<Map<String, Object>> answer(Map<String, Object> request) {
        Map<String, String> columns = (Map<String, String>) request.getOrDefault("columns", Map.of());
        List<List<Object>> rows = (List<List<Object>>) request.getOrDefault("rows", List.of());
        List<Map<String, Object>> answers = new ArrayList<>();
        for (String query : (List<String>) request.get("queries")) {
            Warnings.taken();
            try {
                Table table = run(analyzed(query, columns), columns, rows);
                answers.add(shown(table, Warnings.taken()));
            } catch (QlClientException | IllegalArgumentException | IndexOutOfBoundsException error) {
                answers.add(Map.of("error", String.valueOf(error.getMessage())));
            } catch (RuntimeException | LinkageError | StackOverflowError error) {
                answers.add(Map.of("lacking", lacking(error)));
            }
        }
        return answers;
    }

    /** Returns what is lacking, and where: the cause of causes. */
    private static String lacking(Throwable error) {
        Throwable inner = error;
        while (inner.getCause() != null) {
            inner = inner.getCause();
        }
        StackTraceElement[] trace = inner.getStackTrace();
        return inner + (trace.length == 0 ? "" : " at " + trace[0]);
    }

    private static LogicalPlan analyzed(String query, Map<String, String> columns) {
        LogicalPlan plan = PARSER.parseQuery(query);
        Map<IndexPattern, IndexResolution> indices = new LinkedHashMap<>();
        plan.forEachUp(UnresolvedRelation.class, relation -> {
            String name = relation.indexPattern().indexPattern();
            Map<String, List<String>> names = Map.of("", List.of(name));
            EsIndex index = new EsIndex(name, mapping(columns), Map.of(name, IndexMode.STANDARD), names, names, Map.of());
            indices.put(relation.indexPattern(), IndexResolution.valid(index));
        });
        AnalyzerContext context = new AnalyzerContext(
                configuration(query),
                FUNCTIONS,
                indices,
                Map.of(),
                new EnrichResolution(),
                InferenceResolution.EMPTY,
                TransportVersion.current(),
                UnmappedResolution.DEFAULT);
        LogicalPlan analyzed = new Analyzer(context, new Verifier(new Metrics(FUNCTIONS, false), null)).analyze(plan);
        var optimizing = new LogicalOptimizerContext(context.configuration(), FoldContext.small(), context.minimumVersion());
        return new LogicalPlanOptimizer(optimizing).optimize(analyzed);
    }

    private static Configuration configuration(String query) {
        return new Configuration(
                ZoneOffset.UTC,
                Instant.EPOCH,
                Locale.ROOT,
                "referee",
                "referee",
                QueryPragmas.EMPTY,
                10_000,
                1_000,
                query,
                false,
                Map.of(),
                0,
                false,
                10_000,
                1_000,
                null,
                null,
                Map.of());
    }

    /** Returns fields by the parts of their dotted names. */
    private static Map<String, EsField> mapping(Map<String, String> columns) {
        Map<String, EsField> fields = new LinkedHashMap<>();
        columns.forEach((name, type) -> {
            if (name.startsWith("_")) {
                return; // metadata, which are there where the query asks for them
            }
            Map<String, EsField> here = fields;
            String[] parts = name.split("\\.");
            for (int i = 0; i < parts.length - 1; i++) {
                EsField.TimeSeriesFieldType none = EsField.TimeSeriesFieldType.NONE;
                here = here.computeIfAbsent(
                                parts[i], part -> new EsField(part, DataType.OBJECT, new LinkedHashMap<>(), false, none))
                        .getProperties();
            }
            String last = parts[parts.length - 1];
            DataType of = DataType.fromEs(type);
            here.put(last, new EsField(last, of, new LinkedHashMap<>(), true, EsField.TimeSeriesFieldType.NONE));
        });
        return fields;
    }

    private static Table run(LogicalPlan plan, Map<String, String> columns, List<List<Object>> rows) {
        if (plan instanceof Row row) {
            return new Table(List.of(), List.of(), 1).with(row.fields()).project(row.fields().stream().map(Alias::toAttribute).toList());
        }
        if (plan instanceof EsRelation relation) {
            return read(relation, List.copyOf(columns.keySet()), rows);
        }
        if (plan instanceof LocalRelation constants) {
            Page page = constants.supplier().get();
            List<Block> blocks = new ArrayList<>();
            for (int i = 0; i < page.getBlockCount(); i++) {
                blocks.add(page.getBlock(i));
            }
            return new Table(constants.output(), blocks, page.getPositionCount());
        }
        if (!(plan instanceof UnaryPlan unary)) {
            throw new UnsupportedOperationException(plan.nodeName());
        }
        Table table = run(unary.child(), columns, rows);
        if (plan instanceof Eval eval) {
            return table.with(eval.fields()).project(eval.output());
        }
        if (plan instanceof Project project) {
            return table.project(project.projections());
        }
        if (plan instanceof Filter filter) {
            Block found = table.compute(filter.condition());
            return table.only(java.util.stream.IntStream.range(0, table.positions)
                    .filter(row -> found.getValueCount(row) == 1
                            && ((BooleanBlock) found).getBoolean(found.getFirstValueIndex(row)))
                    .toArray());
        }
        return switch (plan) {
            case MvExpand expand -> Rows.expand(expand, table);
            case Aggregate aggregate -> Rows.aggregate(aggregate, table);
            case OrderBy order -> Rows.sort(order.order(), table);
            case TopN top -> Rows.first(top.limit(), Rows.sort(top.order(), table));
            case Limit limit -> Rows.first(limit.limit(), table);
            default -> throw new UnsupportedOperationException(plan.nodeName());
        };
    }

    private static Table read(EsRelation relation, List<String> names, List<List<Object>> rows) {
        List<Attribute> attributes = new ArrayList<>();
        List<Block> blocks = new ArrayList<>();
        for (Attribute attribute : relation.output()) {
            int column = names.indexOf(attribute.name());
            List<Object> cells = new ArrayList<>();
            rows.forEach(row -> cells.add(column < 0 ? null : row.get(column)));
            attributes.add(attribute);
            blocks.add(block(attribute.dataType(), cells));
        }
        return new Table(attributes, blocks, rows.size());
    }

    /** Returns a column of a type: in each cell null, a value, or a list of values, as JSON or as {@link #raw} has them. */
    static Block block(DataType type, List<?> cells) {
        Block.Builder builder = switch (type) {
            case KEYWORD, TEXT, IP -> new BytesRefBlock.Filled();
            case LONG, DATETIME -> new LongBlock.Filled();
            case INTEGER -> new IntBlock.Filled();
            case DOUBLE -> new DoubleBlock.Filled();
            case BOOLEAN -> new BooleanBlock.Filled();
            default -> throw new UnsupportedOperationException(type.typeName());
        };
        for (Object cell : cells) {
            List<?> values = cell == null ? List.of() : cell instanceof List<?> many ? many : List.of(cell);
            if (values.isEmpty()) {
                builder.appendNull();
                continue;
            }
            builder.beginPositionEntry();
            values.forEach(value -> append(builder, type, value));
            builder.endPositionEntry();
        }
        return builder.build();
    }

    private static void append(Block.Builder builder, DataType type, Object value) {
        switch (builder) {
            case BytesRefBlock.Builder to -> to.appendBytesRef(
                    value instanceof BytesRef bytes
                            ? bytes
                            : type == DataType.IP
                                    ? EsqlDataTypeConverter.stringToIP((String) value)
                                    : new BytesRef((String) value));
            case LongBlock.Builder to -> to.appendLong(((Number) value).longValue());
            case IntBlock.Builder to -> to.appendInt(((Number) value).intValue());
            case DoubleBlock.Builder to -> to.appendDouble(((Number) value).doubleValue());
            default -> ((BooleanBlock.Builder) builder).appendBoolean((Boolean) value);
        }
    }

    private static Map<String, Object> shown(Table table, List<String> warnings) {
        List<List<String>> columns = table.columns.stream()
                .map(column -> List.of(column.name(), column.dataType().typeName()))
                .toList();
        List<List<Object>> rows = new ArrayList<>();
        for (int position = 0; position < table.positions; position++) {
            List<Object> row = new ArrayList<>();
            for (int column = 0; column < columns.size(); column++) {
                row.add(cell(table.blocks.get(column), position, table.columns.get(column).dataType()));
            }
            rows.add(row);
        }
        return Map.of("columns", columns, "rows", rows, "warnings", warnings);
    }

    private static Object cell(Block block, int position, DataType type) {
        List<Object> values = new ArrayList<>();
        for (int i = 0; i < block.getValueCount(position); i++) {
            values.add(value(block, block.getFirstValueIndex(position) + i, type));
        }
        return values.isEmpty() ? null : values.size() == 1 ? values.get(0) : values;
    }

    private static Object value(Block block, int index, DataType type) {
        if (raw(block, index) instanceof BytesRef bytes) {
            return type == DataType.IP ? EsqlDataTypeConverter.ipToString(bytes) : bytes.utf8ToString();
        }
        return raw(block, index);
    }

    /** Returns a value of a column as it is stored there. */
    static Object raw(Block block, int index) {
        return switch (block) {
            case BytesRefBlock from -> BytesRef.deepCopyOf(from.getBytesRef(index, new BytesRef()));
            case LongBlock from -> from.getLong(index);
            case IntBlock from -> from.getInt(index);
            case DoubleBlock from -> from.getDouble(index);
            case BooleanBlock from -> from.getBoolean(index);
            default -> throw new UnsupportedOperationException(block.getClass().getSimpleName());
        };
    }
}
