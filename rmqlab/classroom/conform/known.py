"""The differences between our nodes and RocketMQ's that are known, and why they are.

By claim, by the place in what was observed; "" is all of it.
"""

from __future__ import annotations

Places = dict[str, str]

EVERY_RELEASE: dict[str, Places] = {
    "the_template_of_new_topics_has_a_route": {
        "body/queueDatas/0/topicSynFlag": (
            "4.4 calls the flags topicSynFlag, 4.9 topicSysFlag: ours tell both, so "
            "that clients of either find theirs."
        ),
    },
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
}
ONLY_4_4: dict[str, Places] = {}


def known_of(claim: str, release: str) -> Places:
    """Return what is known to differ in a release, by place."""
    old = ONLY_4_4.get(claim, {}) if release.startswith("4.4") else {}
    return EVERY_RELEASE.get(claim, {}) | old
