"""`.properties` files as Java reads them, and the settings that are read from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmqlab import boot
from rmqlab.config import (
    Long,
    Problem,
    Property,
    keys_of,
    parse_properties,
    parse_value,
    read,
    setting,
    settings,
    to_properties,
)
from rmqlab.errors import ConfigError
from rmqlab.settings import (
    BrokerConfig,
    BrokerRole,
    ClientConfig,
    FlushDiskType,
    NamesrvConfig,
    StoreConfig,
)

EVERY = pytest.mark.parametrize(
    "cls", [NamesrvConfig, BrokerConfig, StoreConfig, ClientConfig]
)


def pairs(text):
    """Return keys and values of a file's text."""
    return [(key, value) for key, value, _ in parse_properties(text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a=b", [("a", "b")]),
        ("a:b", [("a", "b")]),
        ("a b", [("a", "b")]),
        ("a\tb", [("a", "b")]),
        ("a = b", [("a", "b")]),
        ("a : b", [("a", "b")]),
        ("  a=b", [("a", "b")]),
        ("a==b", [("a", "=b")]),
        ("a = = b", [("a", "= b")]),
        ("a=b=c:d", [("a", "b=c:d")]),
        ("a b c", [("a", "b c")]),
        ("a", [("a", "")]),
        ("a=", [("a", "")]),
        ("a:", [("a", "")]),
        ("=b", [("", "b")]),
    ],
)
def test_a_key_ends_at_the_first_separator(text, wanted):
    assert pairs(text) == wanted


def test_blanks_before_a_value_are_dropped_and_those_after_it_stay():
    assert pairs("a= \t\f b \t ") == [("a", "b \t ")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(end):
    assert pairs(end.join(["a=1", "", "b=2", "", ""])) == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize("line", ["# a=b", "! a=b", "   # a=b", "\t!a=b", "#", "  "])
def test_comments_and_empty_lines_say_nothing(line):
    assert pairs(f"{line}\nc=d") == [("c", "d")]


def test_a_comment_starts_only_at_the_start_of_a_line():
    assert pairs("a=b # c\nd#e=f!g") == [("a", "b # c"), ("d#e", "f!g")]


def test_a_comment_is_not_continued():
    assert pairs("# a \\\nb=c") == [("b", "c")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a=b\\\nc", [("a", "bc")]),
        ("a=b\\\n   c", [("a", "bc")]),
        ("a=b \\\r\n\tc \\\r d", [("a", "b c d")]),
        ("a\\\n=b", [("a", "b")]),
        ("a=b\\\n# c", [("a", "b# c")]),
        ("a=b\\\n\nc=d", [("a", "b"), ("c", "d")]),
        ("a=b\\", [("a", "b")]),
        ("\\\n\nc=d", [("c", "d")]),
        ("\\", []),
    ],
)
def test_a_backslash_at_the_end_continues_a_line(text, wanted):
    assert pairs(text) == wanted


@pytest.mark.parametrize(("slashes", "value"), [(2, "\\"), (4, "\\\\"), (6, "\\\\\\")])
def test_an_even_number_of_backslashes_continues_nothing(slashes, value):
    text = "a=" + "\\" * slashes + "\nb=c"
    assert pairs(text) == [("a", value), ("b", "c")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"a=\t\n\r\f", ("a", "\t\n\r\f")),
        (r"a=\u0041\u00e9\u4e2D", ("a", "Aé中")),
        (r"\u0061=b", ("a", "b")),
        (r"a\=b\:c\ d=e", ("a=b:c d", "e")),
        (r"a=\ b", ("a", " b")),
        (r"a=C:\\store", ("a", "C:\\store")),
        (r"a=\q\"", ("a", 'q"')),
        (r"\#a=b", ("#a", "b")),
        (r"a=\\u0041", ("a", "\\u0041")),
    ],
)
def test_a_backslash_escapes_as_in_java(text, wanted):
    assert pairs(text) == [wanted]


@pytest.mark.parametrize("value", [r"\u12", r"\u", r"C:\users", r"\u00g0"])
def test_half_a_unicode_escape_is_an_error_that_names_the_line(value):
    with pytest.raises(ConfigError, match=r"line 3: malformed \\uxxxx in '"):
        parse_properties(f"# comment\na=1\nb={value}\n")


def test_a_node_does_not_start_with_such_a_file_and_names_it(tmp_path, capsys):
    path = tmp_path / "broker.properties"
    path.write_text("storePathRootDir=C:\\users\n")
    with pytest.raises(SystemExit) as ended:
        boot.load(str(path))
    assert ended.value.code == 255
    assert f"cannot read {path}: line 1: malformed" in capsys.readouterr().err


def test_a_files_bytes_are_latin_1_and_only_three_kinds_of_blank_count():
    data = "größe=b\na\u00a0b=c\nd\v=e".encode("latin-1")
    assert pairs(data) == [("größe", "b"), ("a\u00a0b", "c"), ("d\v", "e")]
    assert pairs("é=中".encode()) == [("Ã©", "ä¸\xad")]  # UTF-8 is not understood


def test_every_mention_of_a_key_is_given_with_its_line():
    text = "# 1\na=1\n\nb=x\\\n  y\na=2"
    assert parse_properties(text) == [
        Property("a", "1", 2),
        Property("b", "xy", 4),
        Property("a", "2", 6),
    ]


def escaped(text):
    """Write a key or value as Java's Properties.store does."""
    names = {"\t": "t", "\n": "n", "\r": "r", "\f": "f"}
    return "".join(
        f"\\{names[one]}"
        if one in names
        else f"\\u{ord(one):04x}"
        if not " " <= one <= "~"
        else f"\\{one}"
        if one in "\\ =:#!"
        else one
        for one in text
    )


java_text = some.text(some.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))


@given(some.lists(some.tuples(java_text, java_text), max_size=5))
def test_what_java_stores_is_read_back_the_same(stored):
    text = "".join(f"{escaped(key)}={escaped(value)}\n" for key, value in stored)
    assert pairs(text.encode("latin-1")) == stored


@given(some.binary(max_size=60))
def test_any_bytes_are_properties_or_refused(data):
    try:
        found = parse_properties(data)
    except ConfigError:
        return
    assert all(1 <= one.line <= 61 for one in found)


# Settings


@settings
class Shop:
    """One setting of each type."""

    shop_name: str = "corner"
    seats_max: int = 4
    is_open: bool = False
    broker_role: BrokerRole = BrokerRole.ASYNC_MASTER
    shelf_size: int = setting(default=10, also="shelveSize")
    shop_i_p: str = setting(default="", key="shopIP")


def shop_of(text):
    """Return a shop with these properties, and the problems."""
    shop = Shop()
    return shop, read(parse_properties(text), shop)


def test_every_type_is_read_under_rocketmqs_spelling():
    shop, problems = shop_of(
        "shopName=Café\nseatsMax=-7\nisOpen=TRUE\nbrokerRole=SLAVE\nshopIP=10.0.0.1"
    )
    assert problems == []
    assert shop == Shop(
        shop_name="Café",
        seats_max=-7,
        is_open=True,
        broker_role=BrokerRole.SLAVE,
        shop_i_p="10.0.0.1",
    )


@pytest.mark.parametrize("key", ["shelfSize", "shelveSize"])
def test_an_older_spelling_is_read_as_well(key):
    assert shop_of(f"{key}=12")[0].shelf_size == 12


def test_of_several_mentions_the_last_wins():
    assert shop_of("seatsMax=1\nseatsMax=2")[0].seats_max == 2
    assert shop_of("seatsMax=1\nseatsMax=two")[0].seats_max == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("TRUE", True)]
    + [(text, False) for text in ("false", "yes", "1", "on", "true ", "")],
)
def test_anything_but_true_is_false(text, value):
    shop, problems = shop_of(f"isOpen={text}")
    assert (shop.is_open, problems) == (value, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("+7", 7),
        ("-7", -7),
        ("007", 7),
        ("-0", 0),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
    ],
)
def test_whole_numbers_are_read_as_java_reads_them(text, value):
    shop, problems = shop_of(f"seatsMax={text}")
    assert (shop.seats_max, problems) == (value, [])


@pytest.mark.parametrize(
    "value", ["", "48 ", "4k", "4.0", "1e3", "0x10", "1_000", "--1", "+", "٣", "true"]
)
def test_what_is_no_whole_number_is_named_and_the_default_stays(value):
    shop, problems = shop_of(f"# one\nseatsMax={value}")
    assert problems == [Problem("seatsMax", value, 2, f"{value!r} is no whole number")]
    assert shop == Shop()


@pytest.mark.parametrize("value", ["2147483648", "-2147483649", "4294967296"])
def test_a_number_that_java_has_no_room_for_is_named_with_the_limits(value):
    shop, problems = shop_of(f"seatsMax={value}")
    ((key, found, line, what),) = problems
    assert (key, found, line) == ("seatsMax", value, 1)
    assert what == f"{value!r} is not in -2147483648 to 2147483647"
    assert shop == Shop()


def test_a_number_without_end_is_a_problem_like_any_other():
    shop, problems = shop_of("seatsMax=" + "9" * 5000)
    assert [one.key for one in problems] == ["seatsMax"]
    assert shop == Shop()


def test_a_long_number_has_room_for_more():
    assert parse_value("17179869184", Long) == 1 << 34
    with pytest.raises(ValueError, match="'9223372036854775808' is not in -922337"):
        parse_value("9223372036854775808", Long)


@pytest.mark.parametrize("value", ["MASTER", "slave", "SLAVE ", "", "0", "name"])
def test_a_word_that_is_none_of_the_allowed_is_named_with_those(value):
    shop, problems = shop_of(f"brokerRole={value}")
    what = f"{value!r} is none of ASYNC_MASTER, SYNC_MASTER, SLAVE"
    assert problems == [Problem("brokerRole", value, 1, what)]
    assert shop == Shop()


@pytest.mark.parametrize("key", ["seatMax", "seats_max", "SeatsMax", "", "seatsMax."])
def test_a_key_that_nothing_reads_is_named(key):
    shop, problems = shop_of(f"{key}=5")
    assert problems == [Problem(key, "5", 1, "no such key")]
    assert shop == Shop()


def test_problems_come_in_the_order_of_the_file():
    _, problems = shop_of("x=1\nseatsMax=two\ny=3\nisOpen=true")
    assert [(one.key, one.line) for one in problems] == [
        ("x", 1),
        ("seatsMax", 2),
        ("y", 3),
    ]


def test_a_key_of_two_objects_sets_both():
    broker, namesrv = BrokerConfig(), NamesrvConfig()
    assert read(parse_properties("listenPort=20911"), broker, namesrv) == []
    assert (broker.listen_port, namesrv.listen_port) == (20_911, 20_911)


@EVERY
def test_all_settings_written_and_read_are_the_same(cls):
    other = cls()
    for key, name in keys_of(cls).items():
        kind = type(getattr(other, name))
        value = {int: 77, str: key, bool: not getattr(other, name)}.get(kind)
        setattr(other, name, list(kind)[-1] if value is None else value)
    again = cls()
    assert read(parse_properties(to_properties(other)), again) == []
    assert again == other


@EVERY
def test_no_two_settings_have_the_same_key(cls):
    keys = keys_of(cls)
    names = set(cls.__slots__)
    assert set(keys.values()) == names
    assert len(keys) >= len(names)


@EVERY
def test_every_default_is_a_value_that_a_file_could_have_had(cls):
    for line in to_properties(cls()).splitlines():
        key, _, text = line.partition("=")
        name = keys_of(cls)[key]
        value = getattr(cls(), name)
        assert parse_value(text, type(value)) == value


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("brokerIP1", "broker_i_p1"),
        ("brokerIP2", "broker_i_p2"),
        ("namesrvAddr", "namesrv_addr"),
        ("autoCreateTopicEnable", "auto_create_topic_enable"),
    ],
)
def test_a_brokers_settings_have_rocketmqs_keys(key, name):
    assert keys_of(BrokerConfig)[key] == name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("mapedFileSizeCommitLog", "mapped_file_size_commit_log"),
        ("mappedFileSizeCommitLog", "mapped_file_size_commit_log"),
        ("mapedFileSizeConsumeQueue", "mapped_file_size_consume_queue"),
        ("mappedFileSizeConsumeQueue", "mapped_file_size_consume_queue"),
        ("checkCRCOnRecover", "check_c_r_c_on_recover"),
        ("haSlaveFallbehindMax", "ha_slave_fallbehind_max"),
    ],
)
def test_a_stores_settings_have_rocketmqs_keys_old_and_new(key, name):
    assert keys_of(StoreConfig)[key] == name


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("brokerClusterName", "DefaultCluster"),
        ("brokerId", 0),
        ("listenPort", 10_911),
        ("defaultTopicQueueNums", 8),
        ("autoCreateTopicEnable", True),
        ("registerNameServerPeriod", 30_000),
        ("mappedFileSizeCommitLog", 1_073_741_824),
        ("mappedFileSizeConsumeQueue", 6_000_000),
        ("brokerRole", BrokerRole.ASYNC_MASTER),
        ("flushDiskType", FlushDiskType.ASYNC_FLUSH),
        ("syncFlushTimeout", 5000),
        ("slaveTimeout", 3000),
        ("maxMessageSize", 4_194_304),
        ("haTransferBatchSize", 32_768),
        ("haSlaveFallbehindMax", 268_435_456),
        ("haHousekeepingInterval", 20_000),
    ],
)
def test_defaults_are_those_of_rocketmq(key, default):
    for one in (BrokerConfig(), StoreConfig()):
        if name := keys_of(type(one)).get(key):
            assert getattr(one, name) == default
            return
    pytest.fail(f"no setting has the key {key}")
