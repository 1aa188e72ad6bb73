"""What one client sees and does, as JSON: secured.py SETTINGS TOPIC

It lists the topics, then writes a record and reads it; or says which error keeps it out.
SETTINGS is JSON; its `oauth_cb` is the name that tokens without a signature are made for."""

import base64
import json
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

patience = 30
settings, topic = json.loads(sys.argv[1]), sys.argv[2]
refusals = []


def on_error(error):
    if error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL):
        refusals.append(error.name())


def token(_):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    now = int(time.time())
    claims = {"sub": oauth_name, "iat": now - 5, "exp": now + 600}
    return f"{part({'alg': 'none'})}.{part(claims)}.", now + 600


oauth_name = settings.pop("oauth_cb", None)
if oauth_name is not None:
    settings["oauth_cb"] = token
settings["error_cb"] = on_error


def topics_of(client):
    deadline = time.monotonic() + patience
    client.poll(0)  # serves the callback of tokens
    while not refusals and time.monotonic() < deadline:
        try:
            return sorted(client.list_topics(timeout=0.5).topics)
        except KafkaException:
            client.poll(0.1)
    return None


def write(producer, value):
    delivered = []
    producer.produce(topic, value, on_delivery=lambda *report: delivered.append(report))
    producer.flush(patience)
    error, message = delivered[0]
    if error is not None:
        raise SystemExit(f"not written: {error}")
    return TopicPartition(topic, message.partition(), message.offset())


def read(at):
    consumer = Consumer({**settings, "group.id": "python"})
    consumer.assign([at])
    message = consumer.poll(patience)
    consumer.close()
    if message is None or message.error():
        raise SystemExit(f"not read: {message and message.error()}")
    return message.value().decode()


producer = Producer(settings)
topics = topics_of(producer)
if topics is None:
    print(json.dumps({"refused": refusals[:1]}))
else:
    value = f"at {time.time_ns()}"
    print(json.dumps({"topics": topics, "same": read(write(producer, value)) == value}))
