"""Many members of one group in one process, with librdkafka; see java/Members.java for what is said.

Arguments: bootstrap, expression of topics, then consumer settings as KEY=VALUE.
"""

import sys
import threading

from confluent_kafka import Consumer, KafkaException, TopicPartition

bootstrap, topics = sys.argv[1:3]
settings = dict(pair.split("=", 1) for pair in sys.argv[3:])
lock = threading.Lock()


def say(member, what, where):
    with lock:
        sys.stdout.write(f"{member} {what} {' '.join(where)}\n")
        sys.stdout.flush()


class Member(threading.Thread):
    def __init__(self, number):
        super().__init__(daemon=True)
        self.number = number
        self.leaving = False
        self.awake = threading.Event()
        self.awake.set()
        # What is read and not committed, of what it has still.
        self.next = {}

    def run(self):
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 500,
                **settings,
            }
        )
        consumer.subscribe(
            ["^" + topics],
            on_assign=lambda _, some: self.event("assigned", some),
            on_revoke=lambda _, some: self.event("revoked", some),
            on_lost=lambda _, some: self.event("lost", some),
        )
        while not self.leaving:
            try:
                if not self.awake.is_set() and consumer.assignment():
                    self.stall(consumer)
                self.read(consumer, consumer.poll(0.2))
            except KafkaException as error:
                say(self.number, "refused", [error.args[0].name()])
        consumer.close()
        say(self.number, "left", [])

    def event(self, what, some):
        say(self.number, what, [f"{one.topic}-{one.partition}" for one in some])
        if what != "assigned":
            for one in some:
                self.next.pop((one.topic, one.partition), None)

    def read(self, consumer, message):
        if message is not None and message.error() is None:
            place = (message.topic(), message.partition())
            self.next[place] = message.offset() + 1
            say(self.number, "read", [f"{place[0]}-{place[1]}@{message.offset()}+1"])
        if self.next:
            self.commit(consumer)

    def commit(self, consumer):
        said = [f"{topic}-{partition}@{at}" for (topic, partition), at in self.next.items()]
        say(self.number, "commits", said)
        offsets = [TopicPartition(*place, at) for place, at in self.next.items()]
        for one in consumer.commit(offsets=offsets, asynchronous=False):
            if one.error is not None:
                say(self.number, "refused", [one.error.name()])
                return
        say(self.number, "committed", said)
        self.next = {}

    def stall(self, consumer):
        """Nothing tells it before its next poll that it was put out: its commit goes to the broker."""
        for one in consumer.committed(consumer.assignment(), timeout=30):
            self.next.setdefault((one.topic, one.partition), max(one.offset, 0))
        say(self.number, "stalls", [f"{topic}-{partition}" for topic, partition in self.next])
        self.awake.wait()
        self.commit(consumer)


members = []


def leave(count):
    leaving = members[len(members) - count :]
    for member in leaving:
        member.leaving = True
    for member in leaving:
        member.join()
    del members[len(members) - count :]


for line in sys.stdin:
    command, number = line.split()
    if command == "join":
        for _ in range(int(number)):
            members.append(Member(len(members)))
            members[-1].start()
    elif command == "leave":
        leave(int(number))
    elif command == "stall":
        members[int(number)].awake.clear()
    elif command == "wake":
        members[int(number)].awake.set()
leave(len(members))
