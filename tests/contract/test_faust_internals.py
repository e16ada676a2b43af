"""What `streams.runtime` uses of Faust's and aiokafka's insides, as it was when it was last read.

When a version moves, these fail. Then read what changed, mend the transport if need be, run
tests/broker and tests/chaos, and take the new digests over.
"""

from __future__ import annotations

import hashlib
import inspect
from importlib.metadata import version

import aiokafka.client as client
import aiokafka.cluster as cluster
import aiokafka.conn as conn
import aiokafka.consumer.consumer as aiokafka_consumer
import aiokafka.consumer.fetcher as fetcher
import aiokafka.consumer.group_coordinator as group_coordinator
import aiokafka.consumer.subscription_state as subscription_state
import aiokafka.producer.producer as producer
import aiokafka.producer.sender as sender
import pytest
from faust.tables import recovery
from faust.transport import conductor, consumer
from faust.transport.drivers import aiokafka as driver

PINNED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0", "mode-streaming": "0.7.1"}

# Overridden, or relied upon for when and how they call what is overridden.
READ = {
    consumer.Consumer.getmany: "5c87d5d37428",
    consumer.Consumer._wait_next_records: "62b6a4fb3f1c",
    consumer.ThreadDelegateConsumer._getmany: "c9411e5de5a4",
    consumer.Consumer._drain_messages: "b62bd6539aeb",
    consumer.Consumer.track_message: "3427afb8f0db",
    consumer.Consumer.ack: "386826236bb5",
    consumer.Consumer.wait_empty: "75adf6c03e52",
    consumer.Consumer._commit_tps: "7c9461c4a361",
    consumer.Consumer._filter_committable_offsets: "8697d17213c6",
    consumer.Consumer._filter_tps_with_pending_acks: "c45de12732d4",
    consumer.Consumer._new_offset: "0a7caf14c0a2",
    consumer.Consumer._should_commit: "c4a45ac66a56",
    consumer.Consumer._add_gap: "38926c8cb7f6",
    consumer.Consumer.on_buffer_full: "56407f0f3829",
    consumer.Consumer.perform_seek: "3abec3df46b4",
    consumer.ThreadDelegateConsumer.seek_to_committed: "918b48b7f2e4",
    driver.AIOKafkaConsumerThread._seek_wait: "906df6f0e086",
    aiokafka_consumer.AIOKafkaConsumer.seek_to_committed: "1c44c254fdbb",
    consumer.Consumer.on_partitions_revoked: "bff85c032527",
    conductor.ConductorCompiler.build: "e37d7ab0a66a",
    driver.Consumer._to_message: "54f816ca1d22",
    driver.AIOKafkaConsumerThread._create_worker_consumer: "9246a21942b3",
    driver.AIOKafkaConsumerThread._fetch_records: "8e15801cd1ae",
    recovery.Recovery._resume_streams: "65a824f3789d",
    aiokafka_consumer.AIOKafkaConsumer.start: "29e48f52197b",
    fetcher.Fetcher._proc_fetch_request: "120083e326eb",
    group_coordinator.GroupCoordinator._coordination_routine: "f6248d537969",
    group_coordinator.GroupCoordinator._push_error_to_user: "466858df8ba7",
    group_coordinator.GroupCoordinator.check_errors: "5530c6f14f23",
    subscription_state.TopicPartitionState: "1f45e8404ed7",
    cluster.ClusterMetadata.update_metadata: "8d5557864ff8",
    cluster.ClusterMetadata.topics: "b1660482d23c",
    client.AIOKafkaClient._md_synchronizer: "7a8ccfa421dd",
    client.AIOKafkaClient._metadata_update: "aee3c18413d7",
    client.AIOKafkaClient.send: "c2f3bfe3c12f",
    client.AIOKafkaClient._get_conn: "2b47b1a89855",
    conn.create_conn: "8103bcf65f55",
    conn.AIOKafkaConnection.connect: "a20236e1f997",
    conn.AIOKafkaConnection._handle_frame: "ca96f72ebc40",
    producer.AIOKafkaProducer.__init__: "6bfeae182a9f",
    sender.SendProduceReqHandler.do: "9ebac5d34400",
    sender.Sender._sender_routine: "92df9018a3a3",
}


def _digest(thing: object) -> str:
    return hashlib.blake2b(inspect.getsource(thing).encode(), digest_size=6).hexdigest()  # type: ignore[arg-type]


@pytest.mark.parametrize("package", PINNED)
def test_the_pinned_version_is_installed(package: str) -> None:
    assert version(package) == PINNED[package]


@pytest.mark.parametrize("thing", READ, ids=lambda thing: thing.__qualname__)
def test_the_source_is_the_one_that_was_read(thing: object) -> None:
    assert _digest(thing) == READ[thing], f"{thing} has changed: see the docstring of this file"
