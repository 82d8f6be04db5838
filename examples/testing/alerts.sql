-- Readings that are too hot.
CREATE STREAM readings (sensor STRING KEY, celsius DOUBLE)
  WITH (KAFKA_TOPIC = 'readings', PARTITIONS = 1, VALUE_FORMAT = 'JSON');

CREATE STREAM alerts WITH (KAFKA_TOPIC = 'alerts') AS
  SELECT sensor, celsius FROM readings WHERE celsius > 80;
