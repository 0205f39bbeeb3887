package meshgate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Date;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Instant;
import java.util.Calendar;
import java.util.List;
import java.util.TimeZone;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Statements and prepared statements, as each user. */
class QueryTest {
    private static final String ACROSS_DOMAINS = """
            SELECT p.manufacturer, count(*) AS flights, sum(f.dep_delay) AS minutes
            FROM operations.departures.flights AS f
            JOIN fleet.aircraft.planes AS p ON f.tailnum = p.tailnum
            JOIN weather.observations.hourly AS w ON f.origin = w.origin AND f.time_hour = w.time_hour
            WHERE f.dep_delay IS NOT NULL AND w.wind_speed IS NOT NULL
            GROUP BY p.manufacturer ORDER BY p.manufacturer""";

    @Test
    void theAnalystJoinsDomainsOnHashesAndGetsTheOwnersAnswer() throws SQLException {
        try (Connection owner = Mesh.connect("owner");
                Connection analyst = Mesh.connect("analyst")) {
            List<List<Object>> expected = Mesh.rows(owner, ACROSS_DOMAINS);
            assertFalse(expected.isEmpty());
            assertEquals(expected, Mesh.rows(analyst, ACROSS_DOMAINS));
        }
    }

    @Test
    void eachUserGetsTheirOwnRowsAndValues() throws SQLException {
        try (Connection owner = Mesh.connect("owner");
                Connection analyst = Mesh.connect("analyst");
                Connection desk = Mesh.connect("desk")) {
            String count = "SELECT count(*) FROM " + Mesh.FLIGHTS;
            assertEquals(Mesh.ALL_FLIGHTS, Mesh.number(owner, count));
            assertEquals(Mesh.ALL_FLIGHTS, Mesh.number(analyst, count));
            assertEquals(Mesh.JFK_FLIGHTS, Mesh.number(desk, count));

            String first = "SELECT tailnum FROM " + Mesh.PLANES + " WHERE model = 'A321-211' ORDER BY 1 LIMIT 1";
            String raw = (String) Mesh.rows(owner, first).get(0).get(0);
            String hashed = (String) Mesh.rows(analyst, first).get(0).get(0);
            assertNotEquals(raw, hashed);
            assertTrue(hashed.matches("[0-9a-f]{64}"), hashed);
            assertEquals(hashed, Mesh.rows(desk, first).get(0).get(0), "the same hash for everyone");
        }
    }

    @Test
    void theNewcomerFindsNothing() throws SQLException {
        try (Connection connection = Mesh.connect("newcomer")) {
            SQLException failure = Failures.of(() -> Mesh.rows(connection, "SELECT * FROM " + Mesh.FLIGHTS));
            assertTrue(failure.getMessage().contains("flights"), failure.getMessage());
            assertEquals(1, Mesh.number(connection, "SELECT 1"), "the connection goes on");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"owner", "analyst", "desk", "newcomer"})
    void everyUserCanConnectAndAsk(String user) throws SQLException {
        try (Connection connection = Mesh.connect(user)) {
            assertTrue(connection.isValid(5));
            assertEquals(2, Mesh.number(connection, "SELECT 1 + 1"));
        }
    }

    @Test
    void valuesOfEachType() throws SQLException {
        String sql = """
                SELECT true AS yes, CAST(7 AS smallint) AS small, CAST(7 AS int) AS whole, CAST(7 AS bigint) AS big,
                       CAST(1.5 AS real) AS single, CAST(1.5 AS double) AS double,
                       CAST(12.34 AS decimal(10, 2)) AS money, 'text' AS text, X'00ff' AS bytes,
                       DATE '2013-01-02' AS day, TIMESTAMP '2013-01-02 03:04:05.678' AS moment,
                       CAST(NULL AS varchar) AS nothing""";
        try (Connection connection = Mesh.connect("analyst");
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            ResultSetMetaData metadata = result.getMetaData();
            assertEquals(12, metadata.getColumnCount());
            assertEquals("yes", metadata.getColumnName(1));
            assertEquals(Types.BOOLEAN, metadata.getColumnType(1));
            assertEquals(Types.DECIMAL, metadata.getColumnType(7));
            assertEquals(Types.DATE, metadata.getColumnType(10));
            assertEquals(Types.TIMESTAMP, metadata.getColumnType(11));

            assertTrue(result.next());
            assertTrue(result.getBoolean("yes"));
            assertEquals(7, result.getShort("small"));
            assertEquals(7, result.getInt("whole"));
            assertEquals(7L, result.getLong("big"));
            assertEquals(1.5f, result.getFloat("single"));
            assertEquals(1.5, result.getDouble("double"));
            assertEquals(new BigDecimal("12.34"), result.getBigDecimal("money"));
            assertEquals("text", result.getString("text"));
            assertArrayEquals(new byte[] {0, (byte) 0xff}, result.getBytes("bytes"));
            assertEquals(Date.valueOf("2013-01-02").toString(), result.getDate("day").toString());
            assertEquals("2013-01-02 03:04:05.678", result.getTimestamp("moment").toString());
            assertNull(result.getString("nothing"));
            assertTrue(result.wasNull());
            assertFalse(result.next());
        }
    }

    @Test
    void everyColumnOfEveryTableCanBeRead() throws SQLException {
        try (Connection connection = Mesh.connect("analyst")) {
            for (String table : Mesh.TABLES) {
                List<List<Object>> rows = Mesh.rows(connection, "SELECT * FROM " + table + " LIMIT 50");
                assertFalse(rows.isEmpty(), table);
            }
        }
    }

    @Test
    void aMomentIsTheSameInstantWhateverTheClientsZone() throws SQLException {
        String sql = "SELECT min(time_hour) FROM " + Mesh.FLIGHTS;
        try (Connection connection = Mesh.connect("analyst");
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            assertTrue(result.next());
            Timestamp moment = result.getTimestamp(1, Calendar.getInstance(TimeZone.getTimeZone("UTC")));
            assertEquals(Instant.parse("2013-01-01T10:00:00Z"), moment.toInstant());
        }
    }

    @Test
    void parametersOfEachType() throws SQLException {
        try (Connection connection = Mesh.connect("owner")) {
            String sql = "SELECT count(*) FROM " + Mesh.FLIGHTS + " WHERE origin = ? AND month = ?";
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                ParameterMetaData parameters = statement.getParameterMetaData();
                assertEquals(2, parameters.getParameterCount());
                statement.setString(1, "JFK");
                statement.setInt(2, 1);
                assertEquals(9_161, only(statement));
                statement.setInt(2, 2);
                assertEquals(8_421, only(statement), "the same statement with another value");
            }
            try (PreparedStatement statement =
                    connection.prepareStatement("SELECT count(*) FROM " + Mesh.WEATHER + " WHERE wind_speed > ?")) {
                statement.setDouble(1, 20.5);
                assertEquals(
                        Mesh.number(connection, "SELECT count(*) FROM " + Mesh.WEATHER + " WHERE wind_speed > 20.5"),
                        only(statement));
            }
            try (PreparedStatement statement = connection.prepareStatement(
                    "SELECT CAST(? AS bigint) IS NULL, CAST(? AS varchar) IS NULL")) {
                statement.setNull(1, Types.BIGINT);
                statement.setNull(2, Types.VARCHAR);
                try (ResultSet result = statement.executeQuery()) {
                    assertEquals(List.of(List.of(true, true)), Mesh.rows(result));
                }
            }
        }
    }

    @Test
    void aTimestampParameterIsThatInstant() throws SQLException {
        String sql = "SELECT count(*) FROM " + Mesh.FLIGHTS + " WHERE time_hour = ?";
        try (Connection connection = Mesh.connect("owner");
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setTimestamp(1, Timestamp.from(Instant.parse("2013-07-04T12:00:00Z")));
            long expected = Mesh.number(
                    connection,
                    "SELECT count(*) FROM " + Mesh.FLIGHTS + " WHERE time_hour = TIMESTAMP '2013-07-04 12:00:00Z'");
            assertTrue(expected > 0);
            assertEquals(expected, only(statement));
        }
    }

    @Test
    void aParameterIsAValueNeverSql() throws SQLException {
        try (Connection connection = Mesh.connect("analyst");
                PreparedStatement statement = connection.prepareStatement(
                        "SELECT count(*) FROM " + Mesh.FLIGHTS + " WHERE carrier = ?")) {
            statement.setString(1, "' OR 1=1 --");
            assertEquals(0, only(statement));
        }
    }

    @Test
    void explainAndShowAnswerRows() throws SQLException {
        try (Connection connection = Mesh.connect("desk")) {
            String plan = Mesh.rows(connection, "EXPLAIN SELECT * FROM " + Mesh.FLIGHTS).toString();
            assertTrue(plan.contains("carrier"), plan);
            assertFalse(plan.contains("JFK") || plan.contains(".parquet"), plan);
            assertFalse(Mesh.rows(connection, "SHOW TABLES").isEmpty());
            assertEquals(19, Mesh.rows(connection, "DESCRIBE " + Mesh.FLIGHTS).size());
        }
    }

    @Test
    void aLargeResultStreamsAndMayBeLeftInTheMiddle() throws SQLException {
        try (Connection connection = Mesh.connect("analyst")) {
            try (Statement statement = connection.createStatement();
                    ResultSet result = statement.executeQuery("SELECT * FROM " + Mesh.FLIGHTS)) {
                int seen = 0;
                while (result.next()) {
                    seen++;
                }
                assertEquals(Mesh.ALL_FLIGHTS, seen);
            }
            try (Statement statement = connection.createStatement();
                    ResultSet result = statement.executeQuery("SELECT a.* FROM " + Mesh.FLIGHTS + " a, " + Mesh.PLANES)) {
                assertTrue(result.next());
            }
            assertEquals(1, Mesh.number(connection, "SELECT 1"));
        }
    }

    private static long only(PreparedStatement statement) throws SQLException {
        try (ResultSet result = statement.executeQuery()) {
            assertTrue(result.next());
            return result.getLong(1);
        }
    }
}
