"""Who may connect, what becomes of those who cannot, and what cuts and crashes do."""

from __future__ import annotations

import errno
import itertools
import socket
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqlab.sim.link import RESEND_S
from rmqlab.sim.network import CONNECT_S
from rmqlab.sim.tcp import WINDOW_BYTES
from tests.sim.two import FAR, LINK_S, NEAR, NOBODY, PORT, Line, Two


def connecting(two, host="far", port=PORT):
    """Have the client connect; return the task."""
    work = two.client.loop.create_connection(Line, host, port)
    return two.client.start(work, "connect")


# Connecting


def test_a_port_on_which_nobody_listens_refuses_at_once(two):
    with pytest.raises(ConnectionRefusedError) as error:
        two.connect()
    assert str(error.value) == f"[Errno 111] Connect call failed ('{FAR}', {PORT})"
    assert two.sim.now_s < LINK_S


@pytest.mark.parametrize("fault", ["cut", "crash", "never there"])
def test_a_host_that_does_not_answer_is_given_up_after_two_minutes(two, fault):
    if fault == "cut":
        two.far.cut()
    elif fault == "crash":
        two.far.crash()
    address = NOBODY if fault == "never there" else FAR
    task = connecting(two, address)
    two.sim.run_until(task.done)
    assert isinstance(task.exception(), TimeoutError)
    assert two.sim.now_s == pytest.approx(CONNECT_S)


def test_whom_a_firewall_does_not_let_in_waits_in_vain(two):
    two.listen()
    two.far.guard(lambda address, port: (address, port) == (NEAR, PORT + 1))
    task = connecting(two)
    two.sim.run_until(task.done)
    assert isinstance(task.exception(), TimeoutError)
    assert two.sim.now_s == pytest.approx(CONNECT_S)
    assert two.accepted == []


def test_a_firewall_lets_in_whom_it_is_told_to(two):
    two.far.guard(lambda address, port: (address, port) == (NEAR, PORT))
    near, far = two.pair()
    assert near.seen == far.seen == ["made"]


def test_who_waits_at_a_firewall_gets_in_when_it_is_opened(two):
    two.listen()
    two.far.guard(lambda address, port: False)
    task = connecting(two)
    two.sim.run(CONNECT_S / 2)
    two.far.guard(lambda address, port: True)
    two.sim.run_until(task.done)
    assert task.exception() is None
    assert two.sim.now_s == pytest.approx(CONNECT_S / 2 + RESEND_S, abs=LINK_S)


def test_what_stands_or_stays_on_its_machine_does_not_ask_a_firewall(two):
    near, far = two.pair()
    two.far.guard(lambda address, port: False)
    near.transport.write(b"still here")
    work = two.server.loop.create_connection(Line, "far", PORT)
    two.sim.complete(two.server, work)
    two.sim.run(LINK_S)
    assert far.data == b"still here"
    assert len(two.accepted) == 2


def test_an_unknown_name_has_no_address(two):
    with pytest.raises(socket.gaierror, match="Name or service not known"):
        two.sim.complete(
            two.client, two.client.loop.create_connection(Line, "nowhere", PORT)
        )


def test_a_machine_connects_to_itself_by_any_of_its_names(two):
    two.listen()
    for name in ("localhost", "127.0.0.1", "far", FAR):
        work = two.server.loop.create_connection(Line, name, PORT)
        transport, _ = two.sim.complete(two.server, work)
        assert transport.get_extra_info("peername") == (FAR, PORT)


def test_an_address_is_not_looked_up(two):
    for name, address in (("localhost", "127.0.0.1"), ("127.0.0.1",) * 2, (FAR,) * 2):
        assert two.far.host.resolve(name) == address


def test_both_ends_know_both_addresses(two):
    near, far = two.pair()
    own = near.transport.get_extra_info("sockname")
    assert own[0] == NEAR
    assert far.transport.get_extra_info("peername") == own
    assert near.transport.get_extra_info("peername") == (FAR, PORT)
    assert far.transport.get_extra_info("sockname") == (FAR, PORT)


def test_a_connection_is_told_with_its_ends_and_its_number(two):
    two.pair()
    facts = {"connection": 1, "node": "client", "peer": "srv", "port": PORT}
    assert two.kinds("connected") == [facts]


def test_a_port_is_taken_until_its_server_closes_or_its_process_dies(two):
    server = two.listen()
    assert [one.getsockname() for one in server.sockets] == [(FAR, PORT)]
    with pytest.raises(OSError, match="address already in use") as error:
        two.listen()
    assert error.value.errno == errno.EADDRINUSE
    server.close()
    assert not server.sockets
    two.listen()
    two.server.kill()
    two.server = two.far.process("another")
    two.listen()


def test_nobody_listens_on_another_machines_address(two):
    with pytest.raises(OSError, match="cannot assign requested address") as error:
        two.sim.complete(two.server, two.server.loop.create_server(Line, "near", PORT))
    assert error.value.errno == errno.EADDRNOTAVAIL


def test_port_zero_means_any_free_one(two):
    ports = {two.listen(0).sockets[0].getsockname()[1] for _ in range(3)}
    assert len(ports) == 3
    assert 0 not in ports


def test_who_gives_up_connecting_leaves_nothing_behind(two):
    two.listen()
    for at_s in (0.0, 0.00015, 0.00025, 0.00035):
        task = connecting(two)
        two.sim.run(at_s)
        task.cancel()
        two.sim.run(LINK_S)
        assert task.cancelled()
    assert two.accepted == []
    assert not two.near.host._ends
    assert not two.far.host._ends


def test_who_gives_up_while_paused_is_connected_and_leaves_when_it_goes_on(two):
    two.listen()
    task = connecting(two)
    two.sim.run(0.0)
    two.client.pause()
    task.cancel()
    two.sim.run(LINK_S)
    assert two.accepted[0].seen == ["made"]
    two.client.resume()
    two.sim.run(LINK_S)
    assert task.cancelled()
    assert two.accepted[0].seen == ["made", "eof", "lost"]


def test_a_server_that_dies_while_it_is_connected_to_resets_its_client(two):
    two.listen()
    task = connecting(two)
    two.sim.run(0.00032)
    assert len(two.far.host._ends) == 1
    assert not two.kinds("connected")
    two.server.kill()
    two.sim.run(LINK_S)
    _, near = task.result()
    assert near.seen == ["made", "lost ConnectionResetError"]


def test_nothing_is_left_to_happen_to_a_connection_that_stands(two):
    two.pair()
    assert two.sim.timeline.next_s is None


def test_a_process_killed_while_it_connects_leaves_nothing_behind(two):
    two.listen()
    for at_s in (0.0, 0.00015, 0.00025):
        connecting(two)
        two.sim.run(at_s)
        two.client.kill()
        two.sim.run(LINK_S)
        two.client = two.near.process("client")
    assert two.accepted == []
    assert not two.far.host._ends


def test_a_server_hears_of_a_client_once_the_client_knows_that_it_is_connected(two):
    two.listen()
    two.far.cut(inward=False)
    task = connecting(two)
    two.sim.run(60.0)
    assert (task.done(), two.accepted) == (False, [])
    two.far.heal()
    two.sim.run(1.0)
    assert (task.done(), len(two.accepted)) == (True, 1)


def test_who_gave_up_before_the_cut_healed_is_not_connected_afterwards(two):
    two.listen()
    two.far.cut(inward=False)
    task = connecting(two)
    two.sim.run(3.0)
    task.cancel()
    two.sim.run(3.0)
    two.far.heal()
    two.sim.run(3.0)
    assert two.accepted == []
    assert not two.far.host._ends


def test_a_paused_process_is_connected_to_and_notices_later(two):
    two.listen()
    two.server.pause()
    near = two.connect()
    near.transport.write(b"hello")
    two.sim.run(10.0)
    assert two.accepted == []
    two.server.resume()
    two.sim.run(0.0)
    assert two.accepted[0].seen == ["made", "data"]


def test_a_connection_that_was_never_accepted_is_reset_with_its_process(two):
    two.listen()
    two.server.pause()
    near = two.connect()
    two.server.kill()
    two.sim.run(1.0)
    assert near.seen == ["made", "lost ConnectionResetError"]


def test_a_connection_that_was_never_accepted_is_reset_with_its_server(two):
    server = two.listen()
    two.server.pause()
    two.server.loop.call_soon(server.close)
    near = two.connect()
    two.sim.run(LINK_S)
    two.server.resume()
    two.sim.run(LINK_S)
    assert two.accepted == []
    assert near.seen == ["made", "lost ConnectionResetError"]


# The end of a process, and of a machine


def test_what_a_process_sent_before_it_was_killed_arrives_then_the_end(two):
    near, far = two.pair()
    near.transport.write(b"x" * 100_000)
    two.client.kill()
    two.sim.run(1.0)
    assert far.seen == ["made", "data", "eof", "lost"]
    assert len(far.data) == 100_000


def test_a_process_killed_with_something_unread_resets_its_peers(two):
    near, far = two.pair()
    far.transport.write(b"what it did send")
    two.server.pause()
    near.transport.write(b"unread")
    two.sim.run(1.0)
    two.server.kill()
    two.sim.run(1.0)
    assert near.seen == ["made", "data", "lost ConnectionResetError"]
    assert near.data == b"what it did send"


def test_nobody_is_told_when_a_machine_crashes(two):
    near, _far = two.pair()
    two.far.crash()
    two.sim.run(3600.0)
    assert near.seen == ["made"]


def test_who_spoke_to_a_machine_that_was_down_is_reset_once_it_is_up(two):
    near, _far = two.pair()
    two.far.crash()
    near.transport.write(b"hello?")
    two.sim.run(60.0)
    assert near.seen == ["made"]
    two.far.boot()
    two.sim.run(RESEND_S + LINK_S)
    assert near.seen == ["made", "lost ConnectionResetError"]


def test_who_speaks_to_a_machine_that_forgot_the_connection_is_reset(two):
    near, _far = two.pair()
    two.far.crash()
    two.far.boot()
    two.sim.run(60.0)
    assert near.seen == ["made"]
    near.transport.write(b"hello?")
    two.sim.run(LINK_S)
    assert near.seen == ["made", "lost ConnectionResetError"]


def test_who_asks_a_machine_that_is_down_is_answered_once_it_is_up(two):
    two.far.crash()
    task = connecting(two)
    two.sim.run(10.0)
    assert not task.done()
    two.far.boot()
    two.sim.run(1.0)
    assert isinstance(task.exception(), ConnectionRefusedError)


def test_a_crashed_machine_does_not_send_again_what_a_cut_held(two):
    near, far = two.pair()
    two.near.cut()
    near.transport.write(b"held")
    two.near.crash()
    two.near.boot()
    two.near.heal()
    two.sim.run(10.0)
    assert far.seen == ["made"]


# Cuts


def test_a_cut_connection_stays_open_and_delivers_all_in_order_when_healed(two):
    near, far = two.pair()
    two.near.cut()
    for number in range(100):
        near.transport.write(b"%d " % number)
        far.transport.write(b"%d " % number)
        two.sim.run(1.0)
    assert (near.seen, far.seen) == (["made"], ["made"])
    two.near.heal()
    two.sim.run(1.0)
    wanted = b"".join(b"%d " % number for number in range(100))
    assert near.data == far.data == wanted


def test_what_is_on_its_way_when_the_link_is_cut_still_arrives(two):
    near, far = two.pair()
    near.transport.write(b"on its way")
    two.far.cut()
    near.transport.write(b" too late")
    two.sim.run(1.0)
    assert far.data == b"on its way"


def test_a_link_cut_one_way_lets_the_other_through(two):
    near, far = two.pair()
    two.near.cut(inward=False)
    near.transport.write(b"out")
    far.transport.write(b"in")
    two.sim.run(1.0)
    assert (near.data, far.data) == (b"in", b"")


def test_without_acknowledgements_no_more_than_a_window_gets_through(two):
    near, far = two.pair()
    two.near.cut(outward=False)
    near.transport.write(bytes(3 * WINDOW_BYTES))
    two.sim.run(60.0)
    assert len(far.data) == WINDOW_BYTES
    two.near.heal()
    two.sim.run(60.0)
    assert len(far.data) == 3 * WINDOW_BYTES


def test_an_end_that_nobody_hears_of_is_heard_when_the_cut_is_healed(two):
    near, far = two.pair()
    two.near.cut()
    two.client.kill()
    two.sim.run(60.0)
    assert far.seen == ["made"]
    two.near.heal()
    two.sim.run(1.0)
    assert far.seen == ["made", "eof", "lost"]
    assert near.seen == ["made"]


def test_two_machines_that_are_both_cut_off_must_both_be_healed(two):
    near, far = two.pair()
    two.near.cut()
    two.far.cut()
    near.transport.write(b"x")
    two.near.heal()
    two.sim.run(1.0)
    assert far.data == b""
    two.far.heal()
    two.sim.run(1.0)
    assert far.data == b"x"


def test_a_machine_that_is_cut_off_still_talks_to_itself(two):
    two.far.cut()
    two.listen()
    transport, _ = two.sim.complete(
        two.server, two.server.loop.create_connection(Line, "localhost", PORT)
    )
    transport.write(b"x")
    two.sim.run(LINK_S)
    assert two.accepted[0].data == b"x"


def test_a_link_cut_again_before_tcp_tried_again_holds_everything(two):
    near, far = two.pair()
    link = two.sim.network.link(NEAR, FAR)
    link.cut()
    near.transport.write(b"x")
    link.heal()
    two.sim.run(RESEND_S / 2)
    link.cut()
    two.sim.run(10.0)
    assert (link.is_cut, far.data) == (True, b"")
    link.heal()
    near.transport.write(b"y")
    two.sim.run(10.0)
    assert (link.is_clear, far.data) == (True, b"xy")


# Speed


def test_a_narrow_link_takes_its_time_for_many_bytes(two):
    near, far = two.pair()
    two.sim.network.link(NEAR, FAR).bytes_per_s = 1000.0
    begun_s = two.sim.now_s
    near.transport.write(bytes(4940))
    near.transport.write(bytes(4940))
    two.sim.run_until(lambda: len(far.data) == 2 * 4940)
    assert two.sim.now_s - begun_s == pytest.approx(10.0, abs=0.1)


def test_what_comes_later_never_overtakes_though_the_link_gets_faster(two):
    near, far = two.pair()
    link = two.sim.network.link(NEAR, FAR)
    link.latency_s, link.torn = 5.0, 0.0
    near.transport.write(b"slow ")
    link.latency_s = 0.0
    near.transport.write(b"fast")
    two.sim.run(4.0)
    assert far.data == b""
    two.sim.run(2.0)
    assert far.data == b"slow fast"


# Streams of bytes

CHUNKS = st.lists(st.binary(min_size=1, max_size=2000), max_size=12)
SECONDS = st.floats(0.0, 2.0)
TROUBLE = st.lists(
    st.tuples(
        SECONDS, st.sampled_from(["cut", "one way", "pause", "stop reading", "slow"])
    ),
    max_size=6,
)


class Trouble:
    """What happens to a connection between a beginning and, a second later, an end."""

    def __init__(self, two, near, far):
        self.two, self.near, self.far = two, near, far
        self.link = two.sim.network.link(NEAR, FAR)

    def begins(self, what):
        if what == "cut":
            self.two.near.cut()
        elif what == "one way":
            self.two.near.cut(outward=False)
        elif what == "pause":
            self.two.server.pause()
        elif what == "slow":
            self.link.bytes_per_s = 3000.0
        else:
            self.far.transport.pause_reading()

    def ends(self, what):
        if what in ("cut", "one way"):
            self.two.near.heal()
        elif what == "pause":
            self.two.server.resume()
        elif what == "slow":
            self.link.bytes_per_s = None
        else:
            self.far.transport.resume_reading()


@settings(max_examples=150)
@given(
    chunks=CHUNKS,
    seed=st.integers(0, 1000),
    latency_s=SECONDS,
    jitter_s=SECONDS,
    torn=st.floats(0.0, 1.0),
    trouble=TROUBLE,
)
def test_bytes_arrive_complete_and_in_order_whatever_happens_on_the_way(
    chunks, seed, latency_s, jitter_s, torn, trouble
):
    with Two(seed) as two:
        near, far = two.pair()
        wrong = Trouble(two, near, far)
        link = wrong.link
        link.latency_s, link.jitter_s, link.torn = latency_s, jitter_s, torn
        for at_s, what in trouble:
            two.sim.timeline.call_in(at_s, wrong.begins, what)
            two.sim.timeline.call_in(at_s + 1.0, wrong.ends, what)
        for chunk in chunks:
            near.transport.write(chunk)
            two.sim.run(0.1)
        near.transport.close()
        two.sim.run(60.0)
        assert far.data == b"".join(chunks)
        assert far.seen[-2:] == ["eof", "lost"]
        assert near.seen[-1] == "lost"


def test_much_more_than_the_kernels_keep_arrives_through_a_reader_that_stops(two):
    near, far = two.pair()
    random = Random(0)
    wanted = random.randbytes(10 * WINDOW_BYTES)
    near.transport.write(wanted)
    for is_reading in itertools.islice(itertools.cycle((False, True)), 20):
        two.sim.run(random.random())
        if is_reading:
            far.transport.resume_reading()
        else:
            far.transport.pause_reading()
    two.sim.run(1.0)
    assert far.data == wanted
    assert near.seen == ["made", "pause", "resume"]


def test_a_stream_of_one_seed_is_torn_as_another_seed_does_not(two):
    def pieces(seed):
        with Two(seed) as other:
            near, far = other.pair()
            other.sim.network.link(NEAR, FAR).torn = 1.0
            sizes = []
            far.data_received = lambda data: sizes.append(len(data))
            near.transport.write(bytes(1000))
            other.sim.run(LINK_S)
            return sizes

    assert pieces(1) == pieces(1) != pieces(2)
    assert len(pieces(1)) == 2
