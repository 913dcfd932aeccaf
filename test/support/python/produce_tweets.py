"""An outside producer: posts tweets with confluent-kafka (librdkafka) and prints what the brokers acknowledged.

usage: produce_tweets.py BROKERS TOPIC COUNT MALFORMED SEED [RATE]
Prints one JSON object: {"acknowledged", "malformed", "perHandle", "digest"}, counted from delivery reports alone.
`digest` is the sum, modulo 2^63, of the first 8 bytes of each acknowledged tweet's SHA-256 over its id.
"""
import hashlib
import json
import random
import sys
import time

from confluent_kafka import Producer

brokers, topic, count, malformed, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
rate = float(sys.argv[6]) if len(sys.argv) > 6 else 0.0
chance = random.Random(seed)
broken = set(chance.sample(range(count + malformed), malformed))
bad_values = [b"", b"not json", b'{"handle":', b"\xff\xfe\xfd", b"[1,2]", b'"text"', b"{" * 2000]

ledger = {"acknowledged": 0, "malformed": 0, "perHandle": {}, "digest": 0, "failed": 0}


def digest(identifier):
    return int.from_bytes(hashlib.sha256(identifier.encode()).digest()[:8], "big") >> 1


def on_tweet(handle, identifier):
    def report(error, _message):
        if error is not None:
            ledger["failed"] += 1
            return
        ledger["acknowledged"] += 1
        ledger["perHandle"][handle] = ledger["perHandle"].get(handle, 0) + 1
        ledger["digest"] = (ledger["digest"] + digest(identifier)) % 2**63

    return report


def on_malformed(error, _message):
    ledger["failed" if error is not None else "malformed"] += 1


producer = Producer(
    {
        "bootstrap.servers": brokers,
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": 20,
        "log_level": 0,
        "message.timeout.ms": 120000,
        "compression.type": chance.choice(["none", "gzip", "snappy", "lz4", "zstd"]),
        "queue.buffering.max.messages": 200000,
    }
)
started = time.monotonic()
for index in range(count + malformed):
    if rate > 0:
        ahead = index / rate - (time.monotonic() - started)
        if ahead > 0.02:
            producer.poll(ahead)
    if index in broken:
        value, key, report = chance.choice(bad_values), None, on_malformed
    else:
        handle = f"user{int(chance.random() ** 3 * 200)}"
        identifier = f"{seed}-{index}"
        tweet = {
            "id": identifier,
            "content": chance.choice(["to be", "or not", "a horse \U0001f434", 'so "quoted"', "line\nbreak"]) + f" {index}",
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "handle": handle,
        }
        value, key, report = json.dumps(tweet, ensure_ascii=index % 2 == 0).encode(), handle, on_tweet(handle, identifier)
    while True:
        try:
            producer.produce(topic, value=value, key=key, on_delivery=report)
            break
        except BufferError:
            producer.poll(0.1)
    if index % 500 == 0:
        producer.poll(0)
producer.flush(150)
print(json.dumps(ledger))
