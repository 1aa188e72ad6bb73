"""Many members of one group in one process, with librdkafka; see java/Members.java for what is said.

Arguments: bootstrap, expression of topics, then consumer settings as KEY=VALUE.
"""

import sys
import threading
import time

from confluent_kafka import Consumer, KafkaException

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
        self.stall_ms = 0
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
        names = lambda some: [f"{one.topic}-{one.partition}" for one in some]
        consumer.subscribe(
            ["^" + topics],
            on_assign=lambda _, some: say(self.number, "assigned", names(some)),
            on_revoke=lambda _, some: say(self.number, "revoked", names(some)),
            on_lost=lambda _, some: say(self.number, "lost", names(some)),
        )
        while not self.leaving:
            if self.stall_ms > 0:
                time.sleep(self.stall_ms / 1000)
                self.stall_ms = 0
            try:
                self.read(consumer, consumer.poll(0.2))
            except KafkaException as error:
                say(self.number, "refused", [error.args[0].name()])
        consumer.close()
        say(self.number, "left", [])

    def read(self, consumer, message):
        owned = {(one.topic, one.partition) for one in consumer.assignment()}
        self.next = {place: at for place, at in self.next.items() if place in owned}
        if message is not None and message.error() is None:
            place = (message.topic(), message.partition())
            self.next[place] = message.offset() + 1
            say(self.number, "read", [f"{place[0]}-{place[1]}@{message.offset()}+1"])
        if not self.next:
            return
        from confluent_kafka import TopicPartition

        offsets = [TopicPartition(*place, at) for place, at in self.next.items()]
        for one in consumer.commit(offsets=offsets, asynchronous=False):
            if one.error is not None:
                say(self.number, "refused", [one.error.name()])
                return
        said = [f"{topic}-{partition}@{at}" for (topic, partition), at in self.next.items()]
        say(self.number, "committed", said)
        self.next = {}


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
        members[0].stall_ms = int(number)
leave(len(members))
