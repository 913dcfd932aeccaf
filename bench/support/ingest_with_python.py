"""What a careful Python program does with a topic: librdkafka in large batches, Arrow, DuckDB, the offsets in the same
transaction as the rows. The peer of the ingest bench.

usage: ingest_with_python.py BROKERS TOPIC PARTITIONS COUNT STORE
STORE is `memory` or the path of a new database. Prints {"seconds", "rows"}; the clock runs from the assignment to the
last commit.
"""
import json
import sys
import time

import duckdb
import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition

brokers, topic, partitions, count, store = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
database = duckdb.connect(":memory:" if store == "memory" else store, config={"threads": 2})
database.execute(
    "CREATE TABLE tweets (id VARCHAR, content VARCHAR, created_at TIMESTAMP, handle VARCHAR,"
    " _topic VARCHAR, _partition INTEGER, _offset BIGINT, _timestamp TIMESTAMP, _key BLOB)"
)
database.execute("CREATE TABLE offsets (partition INTEGER PRIMARY KEY, next_offset BIGINT)")
for partition in range(partitions):
    database.execute("INSERT INTO offsets VALUES (?, 0)", [partition])
shape = '{"id":"VARCHAR","content":"VARCHAR","created_at":"TIMESTAMP","handle":"VARCHAR"}'

consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": "bench",
        "enable.auto.commit": False,
        "queued.min.messages": 1_000_000,
        "queued.max.messages.kbytes": 262_144,
        "fetch.queue.backoff.ms": 5,
        "fetch.message.max.bytes": 4_194_304,
        "fetch.max.bytes": 67_108_864,
        "log_level": 0,
    }
)
started = time.monotonic()
consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
rows = 0
while rows < count:
    messages = consumer.consume(20_000, 0.05)
    if not messages:
        if time.monotonic() - started > 120:
            sys.exit(f"{rows} of {count} records within two minutes")
        continue
    batch = pa.table(
        {
            "value": pa.array([message.value() for message in messages], pa.binary()).cast(pa.string()),
            "partition": pa.array([message.partition() for message in messages], pa.int32()),
            "offset": pa.array([message.offset() for message in messages], pa.int64()),
            "ms": pa.array([message.timestamp()[1] for message in messages], pa.int64()),
            "key": pa.array([message.key() for message in messages], pa.binary()),
        }
    )
    database.execute("BEGIN")
    database.execute(
        "INSERT INTO tweets SELECT unnest(parsed), ?, partition, \"offset\", make_timestamp_ms(ms), key FROM"
        " (SELECT from_json(value, ?) AS parsed, partition, \"offset\", ms, key FROM batch)",
        [topic, shape],
    )
    database.execute(
        "UPDATE offsets SET next_offset = seen.last FROM"
        ' (SELECT partition, max("offset") + 1 AS last FROM batch GROUP BY ALL) AS seen'
        " WHERE offsets.partition = seen.partition"
    )
    database.execute("COMMIT")
    rows += len(messages)
seconds = time.monotonic() - started
stored = database.execute("SELECT count(*) FROM tweets").fetchone()[0]
consumer.close()
print(json.dumps({"seconds": seconds, "rows": stored}))
