"""Counts a topic from outside, with another client than ours: records, distinct ids, records of each handle.

Usage: count_topic.py BROKERS TOPIC. Reads what is there and committed when it starts; prints one line of JSON.
"""
import json
import sys
from collections import Counter

from confluent_kafka import Consumer, TopicPartition

brokers, topic = sys.argv[1:3]
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": "count-topic",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
    }
)
partitions = list(consumer.list_topics(topic, timeout=30).topics[topic].partitions)
consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
ended = set()
records = 0
ids = set()
handles = Counter()
while len(ended) < len(partitions):
    message = consumer.poll(30)
    if message is None:
        sys.exit("nothing came within 30 s")
    if message.error():
        if message.error().name() == "_PARTITION_EOF":
            ended.add(message.partition())
            continue
        sys.exit(str(message.error()))
    # More came after an end: the end moves on.
    ended.discard(message.partition())
    tweet = json.loads(message.value())
    records += 1
    ids.add(tweet["id"])
    handles[tweet["handle"]] += 1
consumer.close()
print(json.dumps({"rows": records, "distinct": len(ids), "perHandle": handles}))
