"""The differences between our nodes and RocketMQ's that are known, and why they are.

By claim, or exercise, by the place in what was observed; "" is all of it.
"""

from __future__ import annotations

Places = dict[str, str]

FLAGS = (
    "4.4 calls the flags topicSynFlag, 4.9 topicSysFlag: ours tell both, so that "
    "clients of either find theirs."
)
EVERYWHERE: dict[str, Places] = {
    "the_template_of_new_topics_has_a_route": {"body/queueDatas/0": FLAGS},
    "a_broker_measures_itself": {
        "": (
            "Ours do not count percentiles of latency (putLatency99, putLatency999), "
            "and tell more of their slaves (haSlaveCount, haSlaveAckOffset, "
            "haSlaveStuckCount, haFault)."
        ),
    },
    "a_name_servers_settings_can_be_asked_and_changed": {
        "keys": (
            "Ours have no settings for threads, buffers and native transports, which "
            "they do not have; bindAddress is release 5's."
        ),
    },
    "a_filter_that_is_none_is_refused": {
        "price > 10 colour": (
            "RocketMQ ignores what stands behind the end of an SQL92 expression; ours "
            "refuse it: who wrote it meant something by it."
        ),
    },
    "a_name_server_says_that_it_does_not_know_a_request": {
        "": (
            "A name server of RocketMQ does not answer a request code that it does not "
            "know, so who asks waits in vain; ours answer with code 3, as brokers do."
        ),
    },
    "a_setting_that_is_none_changes_nothing": {
        "answer": (
            "RocketMQ says that all is well; ours say why the setting cannot be used."
        ),
    },
    "03_fix_lost_index": {
        "": (
            "RocketMQ starts with an index that was cut short, and makes none anew "
            "from messages that its queues know: their keys stay lost."
        ),
    },
}
MAPED = (
    "Since 4.6 the key has two p, and the article's is ignored without a word; ours "
    "read and tell either, for files of 4.4."
)
ONLY_4_9: dict[str, Places] = {
    "a_brokers_settings_have_keys": {
        "mapedFileSizeCommitLog": MAPED,
        "mapedFileSizeConsumeQueue": MAPED,
    },
}
CLUSTER = "4.9 adds CLUSTER to the properties of every message that it stores."
LIMITS = "4.4's words name limits that are others than those that are set."
ONLY_4_4: dict[str, Places] = {
    "a_broker_says_that_it_does_not_know_a_request": {
        "": "A broker of 4.4 does not answer a request code that it does not know."
    },
    "what_a_broker_says_of_itself": {
        "": "Ours say that they are 4.9.7, for they behave like that."
    },
    "brokers_have_topics_of_their_own": {
        "": "4.4 names fewer of its own topics as such, and has no topic for replies."
    },
    "no_message_goes_to_a_topic_of_the_system": {
        "": "4.4 forbids only what is named after the cluster."
    },
    "a_topics_name_has_letters_and_digits": {
        "": "4.4 leaves it to clients to check the name of a topic."
    },
    "a_topic_is_made_as_asked": {
        "answer/remark": "4.9 says `not set any response code` when all went well."
    },
    "properties_that_are_too_long_are_refused": {"remark": LIMITS},
    "a_message_that_is_too_long_is_refused": {"answer/remark": LIMITS},
    "what_is_not_there_cannot_be_sent_back": {
        "a message": (
            "4.4 fails where maxReconsumeTimes is left out, which it says is optional."
        )
    },
    "a_message_keeps_its_properties": {
        "CLUSTER": CLUSTER,
        "WAIT": "4.9 leaves WAIT=true out, as it is what is meant anyhow.",
    },
    "a_message_is_a_record_in_the_log": {"": f"{CLUSTER} It leaves out WAIT=true."},
    "a_delayed_message_waits_elsewhere": {"": CLUSTER},
    "halves_lie_in_a_topic_of_their_own": {"": CLUSTER},
    "a_committed_half_is_a_message": {"": CLUSTER},
    "what_fails_comes_again_and_dies": {"": CLUSTER},
    "a_pull_is_told_where_to_go_on": {
        "3/1": "4.4 sends who asks beyond the end back to 0, 4.9 to the end."
    },
    "dead_letters_lie_in_a_topic": {
        "": "4.4 makes dead-letter topics write-only: who wants to read opens them."
    },
    "a_queue_is_20_bytes_a_message": {
        "": "4.4 answers without the entries; without CLUSTER its records are shorter."
    },
    "a_slave_takes_no_messages": {"remark": "4.4 says it in other words."},
    "write_permission_is_wiped_at_name_servers": {
        "": "4.4 cannot give write permission back: brokers do, with their next topic."
    },
}


KNOWN = {"": EVERYWHERE, "4.9": ONLY_4_9, "4.4": ONLY_4_4}
"""By how a release's number begins."""


def known_of(claim: str, release: str) -> Places:
    """Return what is known to differ in a release, by place."""
    found: Places = {}
    for begin, claims in KNOWN.items():
        if release.startswith(begin):
            found |= claims.get(claim, {})
    return found
