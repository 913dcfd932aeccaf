"""Fills a topic of an empty broker with tweets, as fast as it takes them: the records of the ingest bench.

usage: fill_topic.py BROKERS TOPIC PARTITIONS COUNT BAD_EVERY
JSON of about 155 bytes; the partitions get equally many. With BAD_EVERY > 0 every so-many-th record is cut short.
"""
import json
import random
import sys

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

brokers, topic = sys.argv[1], sys.argv[2]
partitions, count, bad_every = (int(text) for text in sys.argv[3:6])
words = "the king doth keep his revels here tonight take heed the queen come not within sight for oberon".split()
chance = random.Random(7)
failures = []


def report(error, _message):
    if error is not None:
        failures.append(str(error))


# Kept in a variable: a client that is collected takes its request with it.
admin = AdminClient({"bootstrap.servers": brokers})
admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)
producer = Producer(
    {
        "bootstrap.servers": brokers,
        "acks": "1",
        "linger.ms": 50,
        "batch.size": 500_000,
        "batch.num.messages": 4_000,
        "queue.buffering.max.messages": 500_000,
        "log_level": 0,
    }
)
contents = [" ".join(chance.choice(words) for _ in range(6)) for _ in range(512)]
for index in range(count):
    value = json.dumps(
        {
            "id": f"{index:08x}-0000-4000-8000",
            "content": contents[index & 511],
            "created_at": f"2026-01-01T00:{index // 60_000 % 60:02}:{index // 1000 % 60:02}.{index % 1000:03}Z",
            "handle": f"speaker{int(1000 * chance.random() ** 3)}",
        }
    ).encode()
    if bad_every > 0 and index % bad_every == 0:
        value = value[:60]
    while True:
        try:
            producer.produce(topic, value=value, partition=index % partitions, on_delivery=report)
            break
        except BufferError:
            producer.poll(0.05)
    if index % 10_000 == 0:
        producer.poll(0)
producer.flush(120)
if failures:
    sys.exit(f"{len(failures)} of {count} were not taken: {failures[0]}")
