"""Posts tweets at an even pace with confluent-kafka, each stamped with the moment it was handed to the client.

usage: produce_paced.py BROKERS TOPIC COUNT RATE
The stamp is `sentUs`, microseconds since 1970 by this machine's clock. Prints {"acknowledged", "failed"} at the end.
"""
import json
import sys
import time

from confluent_kafka import Producer

brokers, topic, count, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
ledger = {"acknowledged": 0, "failed": 0}


def report(error, _message):
    ledger["failed" if error is not None else "acknowledged"] += 1


producer = Producer({"bootstrap.servers": brokers, "acks": "1", "linger.ms": 1, "log_level": 0})
producer.list_topics(topic, 20)
# Connections to every leader stand before the clock starts; a tombstone is nobody's row.
for partition in range(4):
    producer.produce(topic, value=None, partition=partition)
producer.flush(30)
started = time.monotonic()
for index in range(count):
    ahead = index / rate - (time.monotonic() - started)
    if ahead > 0:
        time.sleep(ahead)
    tweet = {
        "id": index,
        "content": "the king doth keep his revels here tonight take heed",
        "created_at": "2026-01-01T00:00:00.000Z",
        "handle": f"speaker{index % 1000}",
        "sentUs": time.time_ns() // 1000,
    }
    producer.produce(topic, value=json.dumps(tweet).encode(), partition=index % 4, on_delivery=report)
    producer.poll(0)
producer.flush(30)
print(json.dumps(ledger))
