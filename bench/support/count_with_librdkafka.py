"""Counts the records of a topic with confluent-kafka, which is librdkafka; values are not looked at, checksums not checked.

usage: count_with_librdkafka.py BROKERS TOPIC COUNT PARTITIONS
Prints {"seconds"}: from the first question to the last record.
"""
import json
import sys
import time

from confluent_kafka import Consumer, TopicPartition

brokers, topic, count, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
GIVE_UP_SECONDS = 120

consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": "bench",
        "enable.auto.commit": False,
        "queued.min.messages": 1_000_000,
        "log_level": 0,
    }
)
consumer.list_topics(topic, 20)
started = time.monotonic()
consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
seen = 0
while seen < count:
    if time.monotonic() - started > GIVE_UP_SECONDS:
        sys.exit(f"{seen} of {count} records after {GIVE_UP_SECONDS} s")
    for message in consumer.consume(10_000, 0.1):
        if message.error() is not None:
            sys.exit(str(message.error()))
        seen += 1
seconds = time.monotonic() - started
print(json.dumps({"seconds": seconds}))
consumer.close()
