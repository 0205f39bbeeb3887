package meshgate;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.sql.SQLException;
import org.junit.jupiter.api.function.Executable;

/** The {@link SQLException} of something that must fail. */
final class Failures {
    private Failures() {}

    static SQLException of(Executable failing) {
        return assertInstanceOf(SQLException.class, assertThrows(Throwable.class, failing));
    }

    /** The texts of an exception and its causes: drivers wrap the server's words. */
    static String words(Throwable failure) {
        StringBuilder words = new StringBuilder();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            words.append(cause.getMessage()).append('\n');
        }
        return words.toString();
    }
}
