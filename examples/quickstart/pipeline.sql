-- What the quick start runs: two streams, and three queries that never end.

-- Bids in an auction. The key of each record is the auction's number, its event time is in DATETIME.
CREATE STREAM IF NOT EXISTS bids (
  auction  BIGINT KEY,
  bidder   BIGINT,
  price    BIGINT,
  channel  STRING,
  url      STRING,
  datetime BIGINT,
  extra    STRING
) WITH (
  KAFKA_TOPIC = 'bids', PARTITIONS = 4,
  KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON',
  TIMESTAMP = 'DATETIME'
);

-- Page views. The key is the user.
CREATE STREAM IF NOT EXISTS pageviews (
  userid   STRING KEY,
  viewtime BIGINT,
  pageid   STRING
) WITH (
  KAFKA_TOPIC = 'pageviews', PARTITIONS = 4,
  KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON',
  TIMESTAMP = 'VIEWTIME'
);

-- A filter: every bid above 900,000 goes on into a topic of its own.
CREATE STREAM IF NOT EXISTS high_bids AS
  SELECT auction, bidder, price, channel
  FROM bids
  WHERE price > 900000
  EMIT CHANGES;

-- A table without windows: one row an auction, kept current. The key is the one the stream has, so nothing moves.
CREATE TABLE IF NOT EXISTS bids_per_auction AS
  SELECT auction, COUNT(*) AS bids, SUM(price) AS turnover, MAX(price) AS highest
  FROM bids
  GROUP BY auction
  EMIT CHANGES;

-- A table of ten-second windows, by another column than the key: rows move between partitions first.
CREATE TABLE IF NOT EXISTS views_per_page AS
  SELECT pageid, COUNT(*) AS views
  FROM pageviews
  WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 1 HOUR, GRACE PERIOD 5 SECONDS)
  GROUP BY pageid
  EMIT CHANGES;
