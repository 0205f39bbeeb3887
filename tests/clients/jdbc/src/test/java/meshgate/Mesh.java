package meshgate;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** The gateway that `cargo xtask test` started, and its users. */
final class Mesh {
    static final String FLIGHTS = "operations.departures.flights";
    static final String PLANES = "fleet.aircraft.planes";
    static final String WEATHER = "weather.observations.hourly";

    /** What every user but the newcomer may see, in the order of names. */
    static final List<String> TABLES = List.of(
            "fleet.aircraft.planes",
            "network.reference.airlines",
            "network.reference.airports",
            "operations.departures.flights",
            "weather.observations.hourly");

    static final int ALL_FLIGHTS = 336_776;
    static final int JFK_FLIGHTS = 111_279;

    private Mesh() {}

    static String url() {
        String host = System.getenv().getOrDefault("MESHGATE_HOST", "127.0.0.1");
        String port = System.getenv().getOrDefault("MESHGATE_PORT", "32010");
        return "jdbc:arrow-flight-sql://" + host + ":" + port + "/?useEncryption=false";
    }

    static Connection connect(String user) throws SQLException {
        return connect(user, "demo");
    }

    static Connection connect(String user, String password) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        return DriverManager.getConnection(url(), properties);
    }

    /**
     * The rows of a statement, values as {@link ResultSet#getObject(int)} gives them; but the driver has no such
     * method for a timestamp with a time zone (https://github.com/apache/arrow-java/issues/787).
     */
    static List<List<Object>> rows(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            return rows(result);
        }
    }

    static List<List<Object>> rows(ResultSet result) throws SQLException {
        ResultSetMetaData metadata = result.getMetaData();
        int width = metadata.getColumnCount();
        List<List<Object>> rows = new ArrayList<>();
        while (result.next()) {
            List<Object> row = new ArrayList<>();
            for (int column = 1; column <= width; column++) {
                boolean zoned = metadata.getColumnType(column) == Types.TIMESTAMP_WITH_TIMEZONE;
                row.add(zoned ? result.getTimestamp(column) : result.getObject(column));
            }
            rows.add(row);
        }
        return rows;
    }

    /** One column of a result, by its name. */
    static List<String> column(ResultSet result, String name) throws SQLException {
        List<String> values = new ArrayList<>();
        while (result.next()) {
            values.add(result.getString(name));
        }
        return values;
    }

    /** The one number that a statement answers. */
    static long number(Connection connection, String sql) throws SQLException {
        return ((Number) rows(connection, sql).get(0).get(0)).longValue();
    }

    /** Whether a name is the gateway's own. */
    static boolean isSystem(String catalog, String schema) {
        return "system".equals(catalog) || "information_schema".equals(schema);
    }
}
