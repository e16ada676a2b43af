"""What the Kafka clients of every service are told holds on both brokers."""

from __future__ import annotations

from contextlib import closing, suppress

import pytest
from kafka.errors import KafkaConnectionError, TopicAlreadyExistsError

from streams.demo.broker import EmbeddedBroker, free_port
from streams.errors import TransientError
from streams.kafka import clients
from streams.kafka.publisher import KafkaPublisher, Outgoing
from streams.settings import Settings
from tests.topic_io import Message, create_topics, produce, read_to_end


def test_the_producer_sends_whatever_the_worker_takes_with_its_key(
    bootstrap: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}orders"
    create_topics(bootstrap, {topic: 1})
    settings = Settings(bootstrap_servers=bootstrap, max_record_bytes=2048)
    with closing(clients.producer(settings)) as client:
        client.send(topic, key=b"k" * 1024, value=b"v" * settings.max_record_bytes).get(timeout=60)
    assert [len(record.value or b"") for record in read_to_end(bootstrap, topic)] == [2048]


def test_a_broker_that_is_away_ends_no_consumer() -> None:
    with EmbeddedBroker(port=free_port()) as broker:
        create_topics(broker.bootstrap, {"alerts": 1})
        # It comes within seconds instead of once in a dozen outages.
        at_once = {"reconnect_backoff_ms": 5, "reconnect_backoff_max_ms": 5}
        settings = Settings(bootstrap_servers=broker.bootstrap)
        client = clients.consumer(settings, group_id="group", **at_once)
        with closing(client):
            client.subscribe(["alerts"])
            broker.stop()
            with pytest.raises(KafkaConnectionError):
                while True:
                    client.poll(100)
            assert [clients.poll(settings, client, 0.1) for _ in range(20)] == [{}] * 20
            broker.start()
            # This broker also makes a topic for whoever asks about it, as the consumer does meanwhile.
            with suppress(TopicAlreadyExistsError):
                create_topics(broker.bootstrap, {"alerts": 1})
            produce(broker.bootstrap, "alerts", [Message(b"alert")])
            while not (found := clients.poll(settings, client, 0.1)):
                pass
    assert [record.value for records in found.values() for record in records] == [b"alert"]


def test_a_time_that_the_broker_refuses_is_told_as_a_clock_that_is_wrong(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}notifications"
    # To this topic every record is too old, as one of a clock that runs ahead is too new to any other.
    create_topics(kafka_bootstrap, {topic: 1}, {topic: {"message.timestamp.before.max.ms": "0"}})
    settings = Settings(bootstrap_servers=kafka_bootstrap, topic_prefix=topic_prefix)
    publisher = KafkaPublisher(settings)
    with closing(publisher), pytest.raises(TransientError, match="Set the clock of this machine"):
        # The first may arrive in the millisecond in which it is dated; the others wait for it.
        publisher.publish([Outgoing("notifications", "key", b"{}")] * 1000)
