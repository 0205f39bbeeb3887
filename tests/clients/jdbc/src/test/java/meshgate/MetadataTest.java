package meshgate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The walk through {@link DatabaseMetaData} with which a tool such as DBeaver fills its tree. */
class MetadataTest {
    @Test
    void theProductIsNamed() throws SQLException {
        try (Connection connection = Mesh.connect("analyst")) {
            DatabaseMetaData metadata = connection.getMetaData();
            assertEquals("meshgate", metadata.getDatabaseProductName());
            assertFalse(metadata.getDatabaseProductVersion().isBlank());
            assertNotNull(metadata.getDriverName());
            assertEquals("\"", metadata.getIdentifierQuoteString());
            assertTrue(metadata.isReadOnly());
            assertFalse(metadata.supportsTransactions());
            assertNotNull(metadata.getSQLKeywords());
            assertNotNull(metadata.getNumericFunctions());
            assertNotNull(metadata.getStringFunctions());
            assertNotNull(metadata.getTimeDateFunctions());
            assertNotNull(metadata.getSystemFunctions());
            assertNotNull(metadata.getSearchStringEscape());
            assertNotNull(metadata.getCatalogTerm());
            assertNotNull(metadata.getSchemaTerm());
        }
    }

    @Test
    void catalogsAreDomains() throws SQLException {
        try (Connection connection = Mesh.connect("analyst");
                ResultSet catalogs = connection.getMetaData().getCatalogs()) {
            List<String> names = Mesh.column(catalogs, "TABLE_CAT");
            assertTrue(names.containsAll(List.of("fleet", "network", "operations", "weather")), names.toString());
        }
    }

    @Test
    void schemasAreProducts() throws SQLException {
        try (Connection connection = Mesh.connect("analyst");
                ResultSet all = connection.getMetaData().getSchemas();
                ResultSet some = connection.getMetaData().getSchemas("operations", "dep%")) {
            assertTrue(Mesh.column(all, "TABLE_SCHEM").containsAll(List.of("aircraft", "departures", "observations")));
            assertEquals(List.of("departures"), Mesh.column(some, "TABLE_SCHEM"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"owner", "analyst", "desk"})
    void tablesOfTheWholeMesh(String user) throws SQLException {
        try (Connection connection = Mesh.connect(user);
                ResultSet tables = connection.getMetaData().getTables(null, null, "%", null)) {
            List<String> names = new ArrayList<>();
            while (tables.next()) {
                if (Mesh.isSystem(tables.getString("TABLE_CAT"), tables.getString("TABLE_SCHEM"))) {
                    continue;
                }
                assertEquals("TABLE", tables.getString("TABLE_TYPE"));
                names.add(String.join(".",
                        tables.getString("TABLE_CAT"), tables.getString("TABLE_SCHEM"), tables.getString("TABLE_NAME")));
            }
            assertEquals(Mesh.TABLES, names);
        }
    }

    @Test
    void tablesByFilter() throws SQLException {
        try (Connection connection = Mesh.connect("analyst")) {
            DatabaseMetaData metadata = connection.getMetaData();
            try (ResultSet tables = metadata.getTables("network", "reference", "air%", new String[] {"TABLE"})) {
                assertEquals(List.of("airlines", "airports"), Mesh.column(tables, "TABLE_NAME"));
            }
            try (ResultSet tables = metadata.getTables("network", "reference", "%", new String[] {"VIEW"})) {
                assertEquals(List.of(), Mesh.column(tables, "TABLE_NAME"));
            }
            try (ResultSet tables = metadata.getTables("operations", "departures", "flight_", null)) {
                assertEquals(List.of("flights"), Mesh.column(tables, "TABLE_NAME"));
            }
            try (ResultSet types = metadata.getTableTypes()) {
                assertTrue(Mesh.column(types, "TABLE_TYPE").contains("TABLE"));
            }
        }
    }

    @Test
    void columnsHaveTypesPositionsAndNullability() throws SQLException {
        Map<String, Integer> types = new HashMap<>();
        List<Integer> positions = new ArrayList<>();
        try (Connection connection = Mesh.connect("analyst");
                ResultSet columns = connection.getMetaData().getColumns("operations", "departures", "flights", "%")) {
            while (columns.next()) {
                types.put(columns.getString("COLUMN_NAME"), columns.getInt("DATA_TYPE"));
                positions.add(columns.getInt("ORDINAL_POSITION"));
                assertNotNull(columns.getString("TYPE_NAME"));
                assertNotNull(columns.getString("IS_NULLABLE"));
                columns.getInt("COLUMN_SIZE");
                columns.getInt("DECIMAL_DIGITS");
                columns.getString("REMARKS");
            }
        }
        assertEquals(Types.VARCHAR, types.get("carrier"));
        assertEquals(Types.INTEGER, types.get("dep_delay"));
        assertTrue(
                List.of(Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE).contains(types.get("time_hour")),
                "time_hour is " + types.get("time_hour"));
        assertEquals(Types.VARCHAR, types.get("tailnum"), "a masked column shows with its masked type");
        assertEquals(new ArrayList<>(new TreeSet<>(positions)), positions, "in order, each once");
        assertEquals(19, positions.size());
    }

    @Test
    void everyColumnThatIsListedCanBeSelected() throws SQLException {
        try (Connection connection = Mesh.connect("desk")) {
            Map<String, List<String>> listed = new HashMap<>();
            try (ResultSet columns = connection.getMetaData().getColumns(null, null, "%", "%")) {
                while (columns.next()) {
                    String catalog = columns.getString("TABLE_CAT");
                    String schema = columns.getString("TABLE_SCHEM");
                    if (!Mesh.isSystem(catalog, schema)) {
                        listed.computeIfAbsent(
                                        catalog + "." + schema + "." + columns.getString("TABLE_NAME"),
                                        ignored -> new ArrayList<>())
                                .add('"' + columns.getString("COLUMN_NAME") + '"');
                    }
                }
            }
            assertEquals(new TreeSet<>(Mesh.TABLES), new TreeSet<>(listed.keySet()));
            for (Map.Entry<String, List<String>> table : listed.entrySet()) {
                String sql = "SELECT " + String.join(", ", table.getValue()) + " FROM " + table.getKey() + " LIMIT 1";
                assertEquals(1, Mesh.rows(connection, sql).size(), sql);
            }
        }
    }

    @Test
    void keysAndTheRestOfTheWalkAnswer() throws SQLException {
        try (Connection connection = Mesh.connect("analyst")) {
            DatabaseMetaData metadata = connection.getMetaData();
            try (ResultSet keys = metadata.getPrimaryKeys("fleet", "aircraft", "planes")) {
                assertEquals(List.of("tailnum"), Mesh.column(keys, "COLUMN_NAME"));
            }
            try (ResultSet keys = metadata.getImportedKeys("operations", "departures", "flights")) {
                Mesh.rows(keys);
            }
            try (ResultSet keys = metadata.getExportedKeys("fleet", "aircraft", "planes")) {
                Mesh.rows(keys);
            }
            try (ResultSet keys = metadata.getCrossReference(
                    "fleet", "aircraft", "planes", "operations", "departures", "flights")) {
                Mesh.rows(keys);
            }
            try (ResultSet types = metadata.getTypeInfo()) {
                // The driver answers this itself, with nothing.
                Mesh.rows(types);
            }
        }
    }

    @Test
    void theNewcomerSeesNothing() throws SQLException {
        try (Connection connection = Mesh.connect("newcomer")) {
            DatabaseMetaData metadata = connection.getMetaData();
            try (ResultSet tables = metadata.getTables(null, null, "%", null)) {
                while (tables.next()) {
                    assertTrue(Mesh.isSystem(tables.getString("TABLE_CAT"), tables.getString("TABLE_SCHEM")));
                }
            }
            try (ResultSet columns = metadata.getColumns("operations", "departures", "flights", "%")) {
                assertFalse(columns.next());
            }
            try (ResultSet keys = metadata.getPrimaryKeys("fleet", "aircraft", "planes")) {
                assertFalse(keys.next());
            }
        }
    }
}
