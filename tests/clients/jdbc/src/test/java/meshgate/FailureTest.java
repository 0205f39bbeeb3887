package meshgate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong gets words that help, and the connection goes on. */
class FailureTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            SELEC 1                                                | syntax error
            SELECT 1; SELECT 2                                     | one statement
            SELECT carier FROM operations.departures.flights       | carrier
            SELECT * FROM operations.departures.flihgts            | flights
            SELECT * FROM operation.departures.flights             | operations
            DELETE FROM operations.departures.flights              | DELETE
            CREATE TABLE t AS SELECT 1                             | CREATE TABLE
            SET datafusion.execution.batch_size = 1                | SET
            """)
    void badStatements(String sql, String words) throws SQLException {
        try (Connection connection = Mesh.connect("analyst")) {
            SQLException failure = Failures.of(() -> Mesh.rows(connection, sql));
            String said = Failures.words(failure);
            assertTrue(said.contains(words), said);
            assertFalse(said.contains("DataFusion") || said.contains("panicked"), said);
            assertEquals(1, Mesh.number(connection, "SELECT 1"));
        }
    }

    @Test
    void aWrongPasswordAndAnUnknownUserGetTheSameWords() {
        SQLException wrong = Failures.of(() -> Mesh.connect("analyst", "wrong").close());
        SQLException unknown = Failures.of(() -> Mesh.connect("nobody", "wrong").close());
        assertEquals(Failures.words(wrong).replace("analyst", "USER"), Failures.words(unknown).replace("nobody", "USER"));
        assertEquals(wrong.getSQLState(), unknown.getSQLState());
    }

    @Test
    void aFailingCastTellsNothingOfHiddenRows() throws SQLException {
        try (Connection connection = Mesh.connect("desk")) {
            String sql = "SELECT count(*) FROM operations.departures.flights WHERE CAST(origin AS bigint) > 0";
            String said = Failures.words(Failures.of(() -> Mesh.rows(connection, sql)));
            assertFalse(said.contains("EWR") || said.contains("LGA"), said);
        }
    }
}
