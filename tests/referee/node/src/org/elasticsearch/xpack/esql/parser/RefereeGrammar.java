package org.elasticsearch.xpack.esql.parser;

import java.util.ArrayList;
import java.util.EmptyStackException;
import java.util.List;
import org.antlr.v4.runtime.BaseErrorListener;
import org.antlr.v4.runtime.CharStream;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.Recognizer;
import org.antlr.v4.runtime.TokenStream;
import org.antlr.v4.runtime.tree.ParseTree;
import org.antlr.v4.runtime.tree.TerminalNode;

/**
 * The vendor's lexer and parser of ES|QL, set as in a release: no command that only snapshots have. It is in their
 * package because that setting is not public, and the class that usually holds it needs code that is not published.
 */
public final class RefereeGrammar {
    private RefereeGrammar() {}

    /** Returns the first error of a query as {@code line:column: message}; null: it has none. */
    public static String problem(String query) {
        First first = new First();
        parse(query, first);
        return first.message;
    }

    /**
     * Returns the tree of a query without errors, else null: {@code (Rule} opens a node by the rule's name, or by that
     * of the alternative if it has one, {@code )} closes it, and {@code TOKEN text} is a leaf. It is flat because
     * trees may be deeper than readers of JSON go.
     */
    public static List<String> tree(String query) {
        First first = new First();
        ParseTree tree = parse(query, first);
        if (first.message != null) {
            return null;
        }
        List<String> flat = new ArrayList<>();
        flatten(tree, flat);
        return flat;
    }

    private static void flatten(ParseTree tree, List<String> flat) {
        if (tree instanceof TerminalNode leaf) {
            String name = EsqlBaseLexer.VOCABULARY.getSymbolicName(leaf.getSymbol().getType());
            flat.add(name + " " + leaf.getText());
            return;
        }
        String name = tree.getClass().getSimpleName();
        flat.add("(" + name.substring(0, name.length() - "Context".length()));
        for (int i = 0; i < tree.getChildCount(); i++) {
            flatten(tree.getChild(i), flat);
        }
        flat.add(")");
    }

    private static ParseTree parse(String query, First first) {
        EsqlBaseLexer lexer = new ReleasedLexer(CharStreams.fromString(query));
        lexer.removeErrorListeners();
        lexer.addErrorListener(first);
        EsqlBaseParser parser = new ReleasedParser(new CommonTokenStream(lexer));
        parser.removeErrorListeners();
        parser.addErrorListener(first);
        try {
            return parser.statements();
        } catch (EmptyStackException unopened) {
            first.message = "1:0: a bracket is closed that was not opened";
            return null;
        } catch (StackOverflowError deep) {
            first.message = "1:0: too deeply nested";
            return null;
        }
    }

    private static final class ReleasedLexer extends EsqlBaseLexer {
        ReleasedLexer(CharStream text) {
            super(text);
        }

        @Override
        boolean isDevVersion() {
            return false;
        }

        @Override
        boolean isExternalDataSourcesEnabled() {
            return false;
        }
    }

    private static final class ReleasedParser extends EsqlBaseParser {
        ReleasedParser(TokenStream tokens) {
            super(tokens);
        }

        @Override
        boolean isDevVersion() {
            return false;
        }

        @Override
        boolean isExternalDataSourcesEnabled() {
            return false;
        }
    }

    private static final class First extends BaseErrorListener {
        private String message;

        @Override
        public void syntaxError(
                Recognizer<?, ?> recognizer, Object symbol, int line, int column, String text, RecognitionException e) {
            if (message == null) {
                message = line + ":" + column + ": " + text;
            }
        }
    }
}
