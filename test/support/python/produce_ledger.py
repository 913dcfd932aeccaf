"""An outside producer whose ledger can be checked in SQL, record by record: the oracle of the faults suite.

usage: produce_ledger.py BROKERS TOPIC COUNT SEED RATE
Every record carries its number, text of many kinds, and the SHA-256 of that text. One in 97 is no JSON, one in 89 is a
tombstone. Prints {"rows", "rejected", "tombstones", "failed", "numberSum", "digestSum"}, from delivery reports alone:
`digestSum` adds, for every acknowledged row, the first 60 bits of the SHA-256 of "number:content".
"""
import hashlib
import json
import random
import sys
import time

from confluent_kafka import Producer

brokers, topic, count, seed, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
chance = random.Random(seed)
ledger = {"rows": 0, "rejected": 0, "tombstones": 0, "failed": 0, "numberSum": 0, "digestSum": 0}
words = ["to be", "or not", "a horse \U0001f434", 'so "quoted"', "line\nbreak", "naïve", "\\ back", "{}", "\x1f".strip(), "日本"]
malformed = [b"", b"not json", b'{"number":', b"\xff\xfe\xfd", b"[1,2]", b'"text"', b'{"number":1,"number":2}']


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def on_row(number, content):
    def report(error, _message):
        if error is not None:
            ledger["failed"] += 1
            return
        ledger["rows"] += 1
        ledger["numberSum"] += number
        ledger["digestSum"] += int(sha(f"{number}:{content}")[:15], 16)

    return report


def on(kind):
    def report(error, _message):
        ledger["failed" if error is not None else kind] += 1

    return report


producer = Producer(
    {
        "bootstrap.servers": brokers,
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": chance.choice([0, 5, 50]),
        "log_level": 0,
        "message.timeout.ms": 180_000,
        "reconnect.backoff.max.ms": 1_000,
        "topic.metadata.refresh.interval.ms": 2_000,
        "compression.type": chance.choice(["none", "gzip", "snappy", "lz4", "zstd"]),
    }
)
started = time.monotonic()
for number in range(count):
    ahead = number / rate - (time.monotonic() - started)
    if ahead > 0.005:
        producer.poll(ahead)
    if number % 97 == 96:
        value, report = chance.choice(malformed), on("rejected")
    elif number % 89 == 88:
        value, report = None, on("tombstones")
    else:
        content = " ".join(chance.choice(words) for _ in range(1 + number % 7)) * (40 if number % 101 == 0 else 1)
        record = {"number": number, "content": content, "digest": sha(content)}
        value, report = json.dumps(record, ensure_ascii=chance.random() < 0.5).encode(), on_row(number, content)
    key = None if number % 3 == 0 else f"key{number % 50}"
    while True:
        try:
            producer.produce(topic, value=value, key=key, on_delivery=report)
            break
        except BufferError:
            producer.poll(0.1)
    producer.poll(0)
producer.flush(180)
ledger["failed"] += len(producer)
# Sums beyond 2^53 go as text.
print(json.dumps({**ledger, "numberSum": str(ledger["numberSum"]), "digestSum": str(ledger["digestSum"])}))
