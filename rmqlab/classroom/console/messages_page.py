"""The messages page: found by topic, key or id, and shown with all that they carry.

newest       the last of each queue of a topic
key          what the brokers' indexes find
unique id    the id that the sender gave: it is found as a key is
offset id    the broker's: it names broker and place itself, no topic is needed
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import NamedTuple

import ipywidgets as widgets
from markupsafe import Markup

from rmqlab.classroom.console.page import GREY, Page, mark, table
from rmqlab.classroom.console.topics_page import topics
from rmqlab.client.admin import Admin
from rmqlab.errors import RmqError
from rmqlab.mqadmin.messages import found_by_key, found_by_offset_id
from rmqlab.mqadmin.times import moment
from rmqlab.mqadmin.tracks import Track, tracks_of
from rmqlab.protocol.message import StoredMessage

NEWEST, KEY, UNIQUE_ID, OFFSET_ID = "newest", "key", "unique id", "offset id"
MOST = 32
MOST_OF_A_QUEUE = 8
MOST_SHOWN = 4096
"""Bytes of a body."""
SHEET = Markup(
    "<div style='display:flex; flex-wrap:wrap; column-gap:60px'><div>{}</div>"
    "<div>{}{}</div></div><b>body</b> ({:,} bytes)<pre>{}</pre>"
)
WIDE = widgets.Layout(width="auto", height="160px")


class Search(NamedTuple):
    """What somebody looks for."""

    by: str
    topic: str
    text: str

    @property
    def is_whole(self) -> bool:
        """Whether all is said that is needed."""
        has_topic = bool(self.topic) or self.by == OFFSET_ID
        return has_topic and (bool(self.text) or self.by == NEWEST)


async def search(admin: Admin, wanted: Search) -> list[StoredMessage]:
    """Return the messages that are found, the newest first.

    Raises:
        Failed: nothing is.
        NoRoute: the topic has no broker now.
        NotConnected, NoAnswer, RemoteError: a broker is away, or refused.
    """
    if wanted.by == OFFSET_ID:
        return [await found_by_offset_id(admin, wanted.text)]
    if wanted.by == NEWEST:
        found = await newest(admin, wanted.topic)
    else:
        is_unique = wanted.by == UNIQUE_ID
        found = await found_by_key(
            admin, wanted.topic, wanted.text, MOST, is_unique=is_unique
        )
    return sorted(found, key=lambda one: -one.store_timestamp)[:MOST]


async def newest(admin: Admin, topic: str) -> list[StoredMessage]:
    """Return the last messages of each queue of a topic.

    Raises:
        NoRoute, NotConnected, NoAnswer, RemoteError: see `search`.
    """
    await admin.known_route(topic)
    return [
        message
        for queue, low, high, _ in await admin.queue_stats(topic)
        if low < high
        async for message in admin.messages(
            queue, start=max(low, high - MOST_OF_A_QUEUE)
        )
    ]


class MessagesPage(Page):
    """What to look for, what was found, and one of it."""

    TITLE = "Messages"

    def parts(self) -> Sequence[widgets.Widget]:
        """A line to ask with, a list of what was found, and a sheet."""
        self._wanted: Search | None = None
        self._shown: StoredMessage | None = None
        self._by = widgets.ToggleButtons(options=(NEWEST, KEY, UNIQUE_ID, OFFSET_ID))
        self._by.style.button_width = "90px"
        self._topic = widgets.Combobox(placeholder="topic", continuous_update=False)
        self._text = widgets.Text(placeholder="key or id", continuous_update=False)
        for one in (self._by, self._topic, self._text):
            one.observe(lambda _: self._search(), "value")
        button = widgets.Button(description="Search", button_style="primary")
        button.on_click(lambda _: self._search())
        self._found = widgets.Select(layout=WIDE)
        self.asks_again(self._found)
        self._sheet = widgets.HTML()
        line = widgets.HBox([self._by, self._topic, self._text, button])
        return line, self._found, self._sheet

    def _search(self) -> None:
        wanted = Search(self._by.value, self._topic.value, self._text.value.strip())
        if wanted.is_whole:
            self._wanted = wanted
            self._look_now()

    def look(self) -> None:
        """Search, if somebody asked for it; show the message that is chosen."""
        self._topic.options = self.ask(lambda admin: topics(admin, with_system=True))
        if not self._topic.value:
            self._topic.value = next(iter(self.ask(topics)), "")
        wanted, self._wanted = self._wanted, None
        if wanted:
            self._list(wanted)
        chosen = self._found.value
        if chosen is not None and chosen != self._shown:
            tracks = self.ask(lambda admin: tracks_of(admin, chosen))
            self._sheet.value, self._shown = sheet(chosen, tracks), chosen

    def _list(self, wanted: Search) -> None:
        """Search; that nothing is found stays said until the next time."""
        found, why = [], f"there is no message in {wanted.topic}"
        try:
            found = self.ask(lambda admin: search(admin, wanted))
        except RmqError as error:
            why = str(error)
        self._found.options = [(line(one), one) for one in found]
        self._found.index = 0 if found else None
        if not found:
            self._sheet.value, self._shown = mark(why, GREY), None


def line(message: StoredMessage) -> str:
    """Return when and where a message was stored, and what it can be found by."""
    place = f"{message.broker_name or message.store_host[0]} queue {message.queue_id}"
    marks = [f"keys {message.keys}"] if message.keys else []
    marks += [f"tag {message.tags}"] if message.tags else []
    parts = moment(message.store_timestamp), message.topic, place, *marks
    return "   ".join((*parts, f"#{message.queue_offset}", message.msg_id))


def sheet(message: StoredMessage, tracks: Sequence[Track]) -> Markup:
    """Return all of a message: its places, its properties, its body, its consumers."""
    facts = (
        ("unique id", message.msg_id),
        ("offset id", message.offset_msg_id),
        ("topic", message.topic),
        ("queue, offset in it", f"{message.queue_id}, {message.queue_offset:,}"),
        ("offset in the log", f"{message.physical_offset:,}"),
        ("size in the log", f"{message.size:,} bytes"),
        ("born", f"{moment(message.born_timestamp)} at {_host(message.born_host)}"),
        ("stored", f"{moment(message.store_timestamp)} at {_host(message.store_host)}"),
        ("times consumed again", str(message.reconsume_times)),
    )
    consumers = ((one.group, one.type, one.why or "") for one in tracks)
    return SHEET.format(
        table(("message", ""), facts),
        table(("property", ""), message.properties.items()),
        table(("consumer group", "", ""), consumers),
        len(message.body),
        body_text(message.body),
    )


def _host(host: tuple[str, int]) -> str:
    return "{}:{}".format(*host)


def body_text(body: bytes) -> str:
    """Return a body as text, or as hexadecimal digits where it is none; cut if long."""
    shown = body[:MOST_SHOWN]
    more = f"\n… and {len(body) - len(shown):,} more" if len(body) > MOST_SHOWN else ""
    try:
        # The cut may go through a letter, which then is left out.
        return codecs.getincrementaldecoder("utf-8")().decode(shown) + more
    except UnicodeDecodeError:
        return shown.hex(" ") + more
