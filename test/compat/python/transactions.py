"""What transactional applications on librdkafka do, told line by line: transactions.py BOOTSTRAP"""

import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap = sys.argv[1]
patience = 20


def producer(transactional_id):
    made = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id})
    made.init_transactions(patience)
    return made


def read(topic, isolation):
    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": "reader",
        "isolation.level": isolation,
        "enable.partition.eof": True,
    })
    consumer.assign([TopicPartition(topic, partition, 0) for partition in (0, 1)])
    values, ends = [], 0
    while ends < 2:
        message = consumer.poll(patience)
        if message is None:
            raise SystemExit(f"{topic} does not end")
        if message.error():
            ends += 1
        else:
            values.append(message.value().decode())
    consumer.close()
    return values


def decide(topic):
    decider = producer("decides")
    for i in range(12):
        decider.begin_transaction()
        for j in range(5):
            kind = "aborted" if i % 3 == 2 else "committed"
            decider.produce(topic, f"{kind}-{i}-{j}", partition=j % 2)
        decider.flush(patience)
        if i % 3 == 2:
            decider.abort_transaction(patience)
        else:
            decider.commit_transaction(patience)
    committed = read(topic, "read_committed")
    print("committed", len(committed), sum("aborted" in one for one in committed))
    print("all", len(read(topic, "read_uncommitted")))
    return committed


def copy(source, target, committed):
    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": "copiers",
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    })
    consumer.subscribe([source])
    copier = producer("copies")
    done, transaction, deadline = 0, 0, time.time() + 60
    while done < len(committed) and time.time() < deadline:
        messages = [one for one in consumer.consume(7, 1.0) if not one.error()]
        if not messages:
            continue
        copier.begin_transaction()
        for message in messages:
            copier.produce(target, message.value(), partition=message.partition())
        positions = consumer.position(consumer.assignment())
        copier.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), patience)
        transaction += 1
        if transaction % 3 == 0:
            copier.abort_transaction(patience)
            for at in consumer.committed(consumer.assignment(), patience):
                consumer.seek(TopicPartition(at.topic, at.partition, max(at.offset, 0)))
        else:
            copier.commit_transaction(patience)
            done += len(messages)
    consumer.close()
    print("copied once each", sorted(read(target, "read_committed")) == sorted(committed))
    return copier


def fence(old, topic):
    producer("copies")
    try:
        old.begin_transaction()
        old.produce(topic, "of the zombie", partition=0)
        old.flush(patience)
        old.commit_transaction(patience)
        print("not fenced")
    except KafkaException as error:
        print("fenced", error.args[0].name())


admin = AdminClient({"bootstrap.servers": bootstrap})
for created in admin.create_topics([NewTopic("decided", 2, 1), NewTopic("copied", 2, 1)]).values():
    created.result()
committed = decide("decided")
fence(copy("decided", "copied", committed), "copied")
