"""asyncpg: prepared statements with binary parameters and results, cursors, errors."""

import asyncio
import unittest

import asyncpg

from harness import server, WAIT_SECONDS_MAX


class Asyncpg(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        s = server()
        self.connection = await asyncpg.connect(
            host=s.host, port=s.port, user="rivermill", database="rivermill", ssl=False)

    async def asyncTearDown(self):
        await self.connection.close()

    async def make(self, name):
        await self.connection.execute(
            f"CREATE STREAM {name} (k STRING KEY, n BIGINT, ok BOOLEAN) "
            f"WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON')")

    async def test_insert_and_ask(self):
        await self.make("apg_ask")
        insert = await self.connection.prepare("INSERT INTO apg_ask (k, n, ok) VALUES ($1, $2, $3)")
        await insert.fetch("a", 1, True)
        await insert.fetch("b", -2, None)
        await self.connection.execute(
            "CREATE TABLE apg_sums AS SELECT k, SUM(n) AS s FROM apg_ask GROUP BY k EMIT CHANGES")
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while await self.connection.fetchval("SELECT COUNT(*) FROM apg_sums") < 2:
                await asyncio.sleep(0.02)
        self.assertEqual(await self.connection.fetchval("SELECT s FROM apg_sums WHERE k = $1", "b"), -2)
        rows = await self.connection.fetch("SELECT k, n, ok FROM apg_ask ORDER BY n")
        self.assertEqual([tuple(row) for row in rows], [("b", -2, None), ("a", 1, True)])

    async def test_a_cursor(self):
        await self.make("apg_cursor")
        for n in range(5):
            await self.connection.execute("INSERT INTO apg_cursor (k, n) VALUES ($1, $2)", str(n), n)
        seen = []
        async with self.connection.transaction():
            async for row in self.connection.cursor("SELECT n FROM apg_cursor ORDER BY n", prefetch=2):
                seen.append(row["N"])
        self.assertEqual(seen, [0, 1, 2, 3, 4])

    async def test_errors_leave_the_session_usable(self):
        with self.assertRaises(asyncpg.exceptions.UndefinedTableError):
            await self.connection.fetch("SELECT * FROM apg_nowhere")
        self.assertEqual(await self.connection.fetchval("SELECT 1"), 1)


if __name__ == "__main__":
    unittest.main()
