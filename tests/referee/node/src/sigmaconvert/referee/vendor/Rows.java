package sigmaconvert.referee.vendor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.lucene.util.BytesRef;
import org.elasticsearch.compute.data.Block;
import org.elasticsearch.compute.data.BooleanBlock;
import org.elasticsearch.xpack.esql.core.expression.Alias;
import org.elasticsearch.xpack.esql.core.expression.Attribute;
import org.elasticsearch.xpack.esql.core.expression.Expression;
import org.elasticsearch.xpack.esql.core.expression.Expressions;
import org.elasticsearch.xpack.esql.core.expression.FoldContext;
import org.elasticsearch.xpack.esql.core.expression.NamedExpression;
import org.elasticsearch.xpack.esql.expression.Order;
import org.elasticsearch.xpack.esql.expression.function.aggregate.AggregateFunction;
import org.elasticsearch.xpack.esql.expression.function.aggregate.Count;
import org.elasticsearch.xpack.esql.expression.function.aggregate.Max;
import org.elasticsearch.xpack.esql.expression.function.aggregate.Min;
import org.elasticsearch.xpack.esql.expression.function.aggregate.Top;
import org.elasticsearch.xpack.esql.plan.logical.Aggregate;
import org.elasticsearch.xpack.esql.plan.logical.MvExpand;
import sigmaconvert.referee.vendor.Queries.Table;

/**
 * Commands that make other rows: MV_EXPAND, SORT, and STATS with COUNT, MIN, MAX and TOP. The vendor's code for these is
 * not published, so this is ours, by the documentation; every expression in them is computed by the vendor's.
 */
final class Rows {
    private static final FoldContext SMALL = FoldContext.small();

    private Rows() {}

    /** A row for each value of a column; one without a value stays as it is. */
    static Table expand(MvExpand plan, Table table) {
        int at = index(table, plan.target().toAttribute());
        List<Integer> positions = new ArrayList<>();
        List<List<Object>> values = new ArrayList<>();
        for (int position = 0; position < table.positions(); position++) {
            List<Object> found = values(table.blocks().get(at), position);
            for (Object value : found) {
                positions.add(position);
                values.add(List.of(value));
            }
            if (found.isEmpty()) {
                positions.add(position);
                values.add(List.of());
            }
        }
        Table rows = table.only(positions.stream().mapToInt(Integer::intValue).toArray());
        List<Attribute> columns = new ArrayList<>(rows.columns());
        List<Block> blocks = new ArrayList<>(rows.blocks());
        columns.set(at, plan.expanded());
        blocks.set(at, Queries.block(plan.expanded().dataType(), values));
        return new Table(columns, blocks, positions.size());
    }

    /** The first rows. */
    static Table first(Expression limit, Table table) {
        int most = ((Number) constant(limit)).intValue();
        return table.only(IntStream.range(0, Math.min(most, table.positions())).toArray());
    }

    /** Rows in order; what is equal stays in the order it has. */
    static Table sort(List<Order> orders, Table table) {
        Comparator<Integer> by = (a, b) -> 0;
        for (Order order : orders) {
            Block block = table.compute(order.child());
            boolean rising = order.direction() == Order.OrderDirection.ASC;
            boolean nullsFirst = order.nullsPosition() == Order.NullsPosition.FIRST;
            by = by.thenComparing((a, b) -> {
                List<Object> left = sorted(values(block, a));
                List<Object> right = sorted(values(block, b));
                if (left.isEmpty() || right.isEmpty()) {
                    int missing = Boolean.compare(left.isEmpty(), right.isEmpty());
                    return nullsFirst ? -missing : missing;
                }
                // Of several values the least counts, or the greatest where the order falls.
                return rising
                        ? compared(left.get(0), right.get(0))
                        : compared(right.get(right.size() - 1), left.get(left.size() - 1));
            });
        }
        return table.only(IntStream.range(0, table.positions())
                .boxed()
                .sorted(by)
                .mapToInt(Integer::intValue)
                .toArray());
    }

    /** A row for each group; a row with several values in a key is in the group of each. */
    static Table aggregate(Aggregate plan, Table table) {
        List<Attribute> keys = plan.groupings().stream().map(Expressions::attribute).toList();
        Map<List<Object>, List<Integer>> groups = new LinkedHashMap<>();
        if (keys.isEmpty()) {
            groups.put(List.of(), new ArrayList<>());
        }
        for (int position = 0; position < table.positions(); position++) {
            for (List<Object> group : combinations(keys, table, position)) {
                groups.computeIfAbsent(group, ignored -> new ArrayList<>()).add(position);
            }
        }
        List<Attribute> columns = new ArrayList<>();
        List<Block> blocks = new ArrayList<>();
        for (NamedExpression one : plan.aggregates()) {
            List<List<Object>> cells = new ArrayList<>();
            if (one instanceof Alias alias && alias.child() instanceof AggregateFunction function) {
                Measure measure = new Measure(function, table);
                groups.values().forEach(positions -> cells.add(measure.of(positions)));
            } else {
                int key = keys.indexOf(Expressions.attribute(one));
                if (key < 0) {
                    throw new UnsupportedOperationException(one.nodeString());
                }
                groups.keySet().forEach(group -> cells.add((List<Object>) group.get(key)));
            }
            columns.add(one.toAttribute());
            blocks.add(Queries.block(one.dataType(), cells));
        }
        return new Table(columns, blocks, groups.size());
    }

    /** Returns the groups of a row; a key is a list of one value, or of none. */
    private static List<List<Object>> combinations(List<Attribute> keys, Table table, int position) {
        List<List<Object>> found = List.of(List.of());
        for (Attribute key : keys) {
            List<Object> values = values(table.blocks().get(index(table, key)), position);
            List<List<Object>> longer = new ArrayList<>();
            for (List<Object> so : found) {
                for (List<Object> value : values.isEmpty() ? List.of(List.of()) : values.stream().distinct().map(List::of).toList()) {
                    List<Object> next = new ArrayList<>(so);
                    next.add(value);
                    longer.add(next);
                }
            }
            found = longer;
        }
        return found;
    }

    /** One aggregate function over the rows of a group. */
    private static final class Measure {
        private final AggregateFunction function;
        private final Block field;
        private final BooleanBlock filter;

        Measure(AggregateFunction function, Table table) {
            this.function = function;
            this.field = function.field().foldable() ? null : table.compute(function.field());
            this.filter = function.hasFilter() ? (BooleanBlock) table.compute(function.filter()) : null;
        }

        List<Object> of(List<Integer> positions) {
            List<Integer> kept = positions.stream()
                    .filter(at -> filter == null
                            || filter.getValueCount(at) == 1 && filter.getBoolean(filter.getFirstValueIndex(at)))
                    .toList();
            if (function instanceof Count && field == null) {
                return List.of((long) kept.size());
            }
            if (field == null) {
                throw new UnsupportedOperationException(function.nodeString() + " of a constant");
            }
            List<Object> values = new ArrayList<>();
            kept.forEach(at -> values.addAll(values(field, at)));
            List<Object> sorted = sorted(values);
            return switch (function) {
                case Count count -> List.of((long) values.size());
                case Min min -> values.isEmpty() ? List.of() : List.of(sorted.get(0));
                case Max max -> values.isEmpty() ? List.of() : List.of(sorted.get(sorted.size() - 1));
                case Top top -> top(top, sorted);
                default -> throw new UnsupportedOperationException(function.nodeName());
            };
        }

        private static List<Object> top(Top top, List<Object> sorted) {
            int most = ((Number) constant(top.parameters().get(0))).intValue();
            boolean rising = top.parameters().size() < 2
                    || constant(top.parameters().get(1)) instanceof BytesRef order
                            && order.utf8ToString().equalsIgnoreCase("asc");
            List<Object> ordered = rising ? sorted : sorted.reversed();
            return ordered.subList(0, Math.min(most, ordered.size()));
        }
    }

    private static Object constant(Expression expression) {
        return expression.fold(SMALL);
    }

    private static int index(Table table, Attribute attribute) {
        for (int at = 0; at < table.columns().size(); at++) {
            if (table.columns().get(at).id().equals(attribute.id())) {
                return at;
            }
        }
        throw new IllegalStateException(attribute.name());
    }

    private static List<Object> values(Block block, int position) {
        List<Object> found = new ArrayList<>();
        for (int i = 0; i < block.getValueCount(position); i++) {
            found.add(Queries.raw(block, block.getFirstValueIndex(position) + i));
        }
        return found;
    }

    private static List<Object> sorted(List<Object> values) {
        return values.stream().sorted(Rows::compared).toList();
    }

    @SuppressWarnings("unchecked")
    private static int compared(Object left, Object right) {
        return ((Comparable<Object>) left).compareTo(right);
    }
}
