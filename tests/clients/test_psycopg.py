"""psycopg 3: text and binary results, parameters, errors, COPY both ways, cancel."""

import decimal
import threading
import unittest

import psycopg

from harness import server, until


def connect():
    s = server()
    return psycopg.connect(host=s.host, port=s.port, user="rivermill", dbname="rivermill", autocommit=True)


class Psycopg(unittest.TestCase):
    def setUp(self):
        self.connection = connect()
        self.addCleanup(self.connection.close)

    def make(self, name):
        self.connection.execute(
            f"CREATE STREAM {name} (k STRING KEY, n BIGINT, x DOUBLE, d DECIMAL(10, 2)) "
            f"WITH (KAFKA_TOPIC='{name}', PARTITIONS=2, KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON')")

    def test_insert_and_ask(self):
        self.make("psy_ask")
        self.connection.execute("INSERT INTO psy_ask (k, n, x, d) VALUES ('a', 1, 0.5, 1.25)")
        self.connection.execute(
            "INSERT INTO psy_ask (k, n, x, d) VALUES (%s, %s, %s, %s)", ("b", 2, None, decimal.Decimal("-3.10")))
        self.connection.execute(
            "CREATE TABLE psy_sums AS SELECT k, COUNT(*) AS c, SUM(n) AS s FROM psy_ask GROUP BY k EMIT CHANGES")

        def rows():
            return self.connection.execute("SELECT k, c, s FROM psy_sums ORDER BY k").fetchall()

        self.assertEqual(until(lambda: len(rows()) == 2 and rows()), [("a", 1, 1), ("b", 1, 2)])
        for binary in (False, True):
            with self.connection.cursor(binary=binary) as cursor:
                cursor.execute("SELECT n, x, d FROM psy_ask WHERE k = %s", ("b",))
                self.assertEqual(cursor.fetchall(), [(2, None, decimal.Decimal("-3.10"))])
                cursor.execute("SELECT s FROM psy_sums WHERE k = %s", ("a",))
                self.assertEqual(cursor.fetchone(), (1,))

    def test_errors_have_code_place_and_leave_the_session_usable(self):
        with self.assertRaises(psycopg.errors.UndefinedTable) as caught:
            self.connection.execute("SELECT * FROM psy_nowhere")
        self.assertIn("psy_nowhere", str(caught.exception).lower())
        with self.assertRaises(psycopg.errors.SyntaxError) as caught:
            self.connection.execute("CREATE STREEM x (a INT)")
        self.assertIsNotNone(caught.exception.diag.statement_position)
        self.assertEqual(self.connection.execute("SELECT 1").fetchone(), (1,))

    def test_copy_in_and_a_live_feed_that_is_cancelled(self):
        self.make("psy_feed")
        seen = []

        def follow():
            with connect() as reader:
                self.reader = reader
                try:
                    with reader.cursor().copy("COPY (SELECT k, n FROM psy_feed EMIT CHANGES) TO STDOUT") as copy:
                        for row in copy.rows():
                            seen.append(row)
                except psycopg.errors.QueryCanceled:
                    seen.append("cancelled")

        thread = threading.Thread(target=follow)
        thread.start()
        with self.connection.cursor().copy("COPY psy_feed (k, n) FROM STDIN") as copy:
            for n in range(100):
                copy.write_row((f"k{n % 3}", n))
        self.assertTrue(until(lambda: len(seen) == 100))
        self.assertEqual(sorted(int(row[1]) for row in seen), list(range(100)))
        self.reader.cancel()
        thread.join(timeout=60)
        self.assertEqual(seen[-1], "cancelled")

    def test_push_query_with_a_limit(self):
        self.make("psy_push")
        self.connection.execute("INSERT INTO psy_push (k, n) VALUES ('a', 7)")
        with self.connection.cursor() as cursor:
            rows = list(cursor.stream("SELECT k, n FROM psy_push EMIT CHANGES LIMIT 1"))
        self.assertEqual(rows, [("a", 7)])


if __name__ == "__main__":
    unittest.main()
