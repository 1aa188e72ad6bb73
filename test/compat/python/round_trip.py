"""A producer and a group's consumer on librdkafka: round_trip.py BOOTSTRAP TOPIC GROUP COUNT

Prints the offset of each record that was read, if what came is what went.
"""

import sys
import time

from confluent_kafka import Consumer, Producer

bootstrap, topic, group, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
patience = 30
sent = {}


def delivered(error, message):
    if error is not None:
        raise SystemExit(f"not delivered: {error}")
    sent[message.offset()] = message.value().decode()


producer = Producer({
    "bootstrap.servers": bootstrap,
    "enable.idempotence": True,
    "compression.type": "snappy",
})
for i in range(count):
    producer.produce(topic, f"value {i}", partition=0, on_delivery=delivered)
if producer.flush(patience) > 0:
    raise SystemExit("not all was sent")

consumer = Consumer({
    "bootstrap.servers": bootstrap,
    "group.id": group,
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
})
consumer.subscribe([topic])
read = {}
until = time.monotonic() + patience
while not sent.keys() <= read.keys():
    if time.monotonic() > until:
        raise SystemExit(f"{len(read)} of {count} were read")
    message = consumer.poll(1)
    if message is not None and message.error() is None and message.partition() == 0:
        read[message.offset()] = message.value().decode()
consumer.commit(asynchronous=False)
consumer.close()
wrong = [at for at, value in sent.items() if read[at] != value]
print("same" if wrong == [] else f"other values at {wrong}", len(sent))
