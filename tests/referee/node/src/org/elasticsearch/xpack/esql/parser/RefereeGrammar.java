package org.elasticsearch.xpack.esql.parser;

import org.antlr.v4.runtime.BaseErrorListener;
import org.antlr.v4.runtime.CharStream;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.Recognizer;
import org.antlr.v4.runtime.TokenStream;

/**
 * The vendor's lexer and parser of ES|QL, set as in a release: no command that only snapshots have. It is in their
 * package because that setting is not public, and the class that usually holds it needs code that is not published.
 */
public final class RefereeGrammar {
    private RefereeGrammar() {}

    /** Returns the first error of a query as {@code line:column: message}; null: it has none. */
    public static String problem(String query) {
        First first = new First();
        EsqlBaseLexer lexer = new ReleasedLexer(new CaseChangingCharStream(CharStreams.fromString(query)));
        lexer.removeErrorListeners();
        lexer.addErrorListener(first);
        EsqlBaseParser parser = new ReleasedParser(new CommonTokenStream(lexer));
        parser.removeErrorListeners();
        parser.addErrorListener(first);
        try {
            parser.statements();
        } catch (StackOverflowError deep) {
            return "1:0: too deeply nested";
        }
        return first.message;
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
