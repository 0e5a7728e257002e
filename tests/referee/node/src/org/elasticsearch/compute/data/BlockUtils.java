package org.elasticsearch.compute.data;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import org.apache.lucene.util.BytesRef;

/** Blocks from values, and back. */
public final class BlockUtils {
    public static final Block[] NO_BLOCKS = new Block[0];

    private BlockUtils() {}

    /** Returns a block with a value, or the values of a list, at every position. */
    public static Block constantBlock(BlockFactory factory, Object value, int positions) {
        if (value == null) {
            return factory.newConstantNullBlock(positions);
        }
        List<?> values = value instanceof List<?> many ? many : List.of(value);
        Cells.Filler<?, ?> filler = switch (values.get(0)) {
            case Boolean one -> new BooleanBlock.Filled();
            case Integer one -> new IntBlock.Filled();
            case Long one -> new LongBlock.Filled();
            case Float one -> new FloatBlock.Filled();
            case Double one -> new DoubleBlock.Filled();
            case BytesRef one -> new BytesRefBlock.Filled();
            default -> throw new UnsupportedOperationException("a block of " + values.get(0).getClass());
        };
        for (int i = 0; i < positions; i++) {
            filler.beginPositionEntry();
            values.forEach(filler::add);
            filler.endPositionEntry();
        }
        return filler.build();
    }

    /** Returns a block of one position for each value. */
    public static Block[] fromArrayRow(BlockFactory factory, Object... row) {
        Block[] blocks = new Block[row.length];
        for (int i = 0; i < row.length; i++) {
            blocks[i] = constantBlock(factory, row[i], 1);
        }
        return blocks;
    }

    /** Returns a block of one position for each value. */
    public static Block[] fromListRow(BlockFactory factory, List<Object> row) {
        return fromArrayRow(factory, row.toArray());
    }

    /** Returns the values of each position, sorted, or each once in the order that they have. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    public static Block sorted(Block block, boolean ascending, boolean once) {
        Cells cells = (Cells) block;
        Cells.Filler<?, ?> filler = cells.filler();
        for (int position = 0; position < cells.getPositionCount(); position++) {
            List<Comparable> values =
                    new ArrayList<>((List) cells.values.subList(cells.starts[position], cells.starts[position + 1]));
            if (!once) {
                values.sort(ascending ? Comparator.naturalOrder() : Comparator.reverseOrder());
            }
            filler.beginPositionEntry();
            (once ? new LinkedHashSet<>(values) : values).forEach(filler::add);
            filler.endPositionEntry();
        }
        return filler.build();
    }

    /** Returns null, the value at a position, or the list of values. */
    public static Object toJavaObject(Block block, int position) {
        Cells cells = (Cells) block;
        List<Object> values = cells.values.subList(cells.starts[position], cells.starts[position + 1]);
        return values.isEmpty() ? null : values.size() == 1 ? values.get(0) : List.copyOf(values);
    }
}
