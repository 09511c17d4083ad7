"""Straight NATS without a server: keys, who is let in, what a partner may do, how a message is read."""

import base64
import json
import time
from typing import Any

import nkeys
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from libs.contracts.cloudevents import STRUCTURED_JSON
from libs.http.problems import Problem
from services.gateway.inbound.taking import HTTP, Came, Inbound
from services.gateway.partners.partner import Partner
from services.gateway.straight.admission import (
    Asked,
    NotAQuestion,
    connection_name,
    key_of,
    let_in,
    read_question,
    refuse,
)
from services.gateway.straight.layout import events_stream, permissions
from services.gateway.straight.messages import HandedIn, read_message, unreadable
from services.gateway.straight.user_keys import Issuer, public_user_key

NONCE = b"mottzP4cE3rBIc4"
CE = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "urn:x", "ce-type": "partner.step-started.v1"}


def user() -> Any:
    """A key pair of a partner, as NATS' own library makes it."""
    return nkeys.from_seed(nkeys.encode_seed(Ed25519PrivateKey.generate().private_bytes_raw(), 20 << 3))


def question(key: str, signature: str, nonce: bytes = NONCE) -> bytes:
    """What nats-server asks, as far as we read it."""
    asked = {
        "server_id": {"id": "NSERVER"},
        "user_nkey": "UTEMPORARY",
        "client_info": {"host": "192.0.2.1", "nonce": nonce.decode()},
        "connect_opts": {"nkey": key, "sig": signature},
    }
    return b"e30." + base64.urlsafe_b64encode(json.dumps({"nats": asked}).encode()).rstrip(b"=") + b".c2ln"


def claims(token: bytes, issuer: Issuer) -> dict[str, Any]:
    """The claims of a token that the issuer has signed."""
    parts = token.split(b".")
    raw = base64.b32decode(issuer.account)[1:33]
    Ed25519PublicKey.from_public_bytes(raw).verify(
        base64.urlsafe_b64decode(parts[2] + b"=="), b".".join(parts[:2])
    )
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + b"=="))
    return found


def test_public_keys_are_those_that_nats_writes() -> None:
    """A seed, another kind of key, a typing mistake and nonsense are refused; blanks around it do not matter."""
    pair = user()
    public = pair.public_key.decode()
    assert public_user_key(f" {public}\n") == public
    for wrong in (
        pair.seed.decode(),
        Issuer(Ed25519PrivateKey.generate()).account,
        public[:-1] + "?",
        "",
        "U" * 56,
    ):
        with pytest.raises(Problem) as refused:
            public_user_key(wrong)
        assert refused.value.status == 422


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_whoever_has_signed_the_nonce_is_who_they_say(encode: Any) -> None:
    """In either alphabet of base64; over another nonce, none, or by another key it proves nothing."""
    pair, other = user(), user()
    public, signature = pair.public_key.decode(), encode(pair.sign(NONCE)).decode()
    asked = read_question(question(public, signature))
    assert asked == Asked(
        server="NSERVER", user="UTEMPORARY", address="192.0.2.1", key=public, is_proved=True
    )
    assert read_question(question(public, signature.rstrip("="))).is_proved
    for key, sign, nonce in (
        (public, signature, b"another"),
        (public, signature, b""),
        (other.public_key.decode(), signature, NONCE),
        (public, "", NONCE),
        (public, "!", NONCE),
        ("", signature, NONCE),
        ("U" * 56, signature, NONCE),
    ):
        assert not read_question(question(key, sign, nonce)).is_proved


@pytest.mark.parametrize("data", [b"", b"a.b", b"a.b.c.d", b"a.e30.c", b"a.!!!.c", b"a.bnVsbA.c"])
def test_what_is_no_question_is_said_to_be_none(data: bytes) -> None:
    """Whatever arrives there."""
    with pytest.raises(NotAQuestion):
        read_question(data)


def test_a_partner_is_let_in_with_its_own_rights() -> None:
    """The answer is for that server and connection; the user in it has the partner's rights and its name."""
    issuer, now = Issuer(Ed25519PrivateKey.generate()), int(time.time())
    asked = Asked(server="NSERVER", user="UTEMP", address="", key="UKEY", is_proved=True)
    answer = claims(let_in(issuer, asked, "bv-93016", now), issuer)
    assert (answer["aud"], answer["sub"], answer["iss"]) == ("NSERVER", "UTEMP", issuer.account)
    told = claims(answer["nats"]["jwt"].encode(), issuer)
    assert (told["aud"], told["sub"], told["name"]) == ("OUTSIDE", "UTEMP", "bv-93016/UKEY")
    assert told["nats"]["pub"] == permissions("bv-93016")["pub"]
    no = claims(refuse(issuer, asked, now), issuer)
    assert no["nats"]["error"]
    assert "jwt" not in no["nats"]
    assert key_of(connection_name("bv-93016", "UKEY")) == "UKEY"
    assert key_of("gateway") == ""


def test_rights_of_two_partners_never_meet() -> None:
    """Not even where one code begins like the other; and no right has a wildcard that reaches a stream's name."""
    mine, other = permissions("bv"), permissions("bv-1")
    assert not set(mine["pub"]["allow"]) & set(other["pub"]["allow"])
    assert not set(mine["sub"]["allow"]) & set(other["sub"]["allow"])
    for subject in mine["pub"]["allow"]:
        assert "*" not in subject
        assert events_stream("bv") in subject.split(".") or subject == "inbox.bv.>"


def test_a_message_is_read_in_either_mode() -> None:
    """Structured, or in headers of any case with the type of its data among them."""
    structured = json.dumps(
        {name[3:]: value for name, value in CE.items()} | {"data": {"step": "a"}}
    ).encode()
    event = read_message({"Content-Type": f"{STRUCTURED_JSON}; charset=utf-8"}, structured)
    assert (event.id, event.source, json.loads(event.data)) == ("1", "urn:x", {"step": "a"})
    headers = {name.upper(): value for name, value in CE.items()}
    event = read_message(headers | {"Nats-Msg-Id": "1", "ce-datacontenttype": "application/pdf"}, b"%PDF")
    assert (event.id, event.media_type, event.data) == ("1", "application/pdf", b"%PDF")
    for wrong, status in (
        ({}, 415),
        ({"Content-Type": "application/cloudevents-batch+json"}, 415),
        (CE | {"ce-id": ""}, 422),
    ):
        with pytest.raises(Problem) as refused:
            read_message(wrong, b"[]")
        assert refused.value.status == status


class Noting(Inbound):
    """Keeps what was noted of messages that are no events."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str, str]] = []

    async def unreadable(self, partner: Partner, problem: Problem, came: Came = HTTP) -> None:
        """Note it."""
        self.noted.append((partner.code, problem.slug, came.way))


@pytest.mark.parametrize(
    ("headers", "event_id"),
    [
        ({"Nats-Msg-Id": "m-1"}, "m-1"),
        ({"Nats-Msg-Id": "m-1", "ce-id": "e-1"}, "e-1"),
        ({}, ""),
    ],
)
async def test_what_cannot_be_read_is_answered_by_the_message_s_id(
    headers: dict[str, str], event_id: str
) -> None:
    """Its sender knows again which message it was."""
    inbound = Noting()
    partner = Partner(code="benh-vien-thu", name_vi="Bệnh viện thử")
    headers = headers | {"Content-Type": STRUCTURED_JSON}
    outcome = await HandedIn(inbound).take(partner, headers, b"not json")
    assert (outcome.state, outcome.id) == ("refused", event_id)
    assert [(code, way) for code, _, way in inbound.noted] == [("benh-vien-thu", "nats")]


@pytest.mark.parametrize("written", ["x" * 100_000, '"' * 200, "a b", "\x7f", "\x00", ""])
async def test_a_refusal_repeats_no_name_that_is_none(written: str) -> None:
    """An answer that repeats 100 kB would fit into no stream, and stop every answer behind it."""
    headers = {"ce-source": written, "ce-id": "e1"}
    outcome = await HandedIn(Noting()).take(Partner(code="bv", name_vi="BV"), headers, b"{")
    assert (outcome.state, outcome.id) == ("refused", "e1")
    # Quotes around a header's value are not of it.
    assert outcome.source == (written[1:-1] if written == '"' * 200 else "")


@pytest.mark.parametrize(
    ("headers", "body", "names"),
    [
        ({"CE-Source": "urn:x", "Ce-Id": "1"}, b"", ("urn:x", "1")),
        ({"ce-source": "urn:b%E1%BB%87nh", "ce-id": "a%20b", "Nats-Msg-Id": "m1"}, b"", ("", "m1")),
        ({"ce-source": '"urn:x"', "ce-id": "%ff"}, b"", ("urn:x", "")),
        ({"Content-Type": STRUCTURED_JSON}, b'{"source":"urn:x","id":"1","type":7}', ("urn:x", "1")),
        ({"Content-Type": f"{STRUCTURED_JSON}; charset=utf-8"}, b'{"id":7,"source":"urn:x"}', ("urn:x", "")),
        ({"Content-Type": STRUCTURED_JSON, "Nats-Msg-Id": "m1"}, b'{"source":"urn:x"', ("", "m1")),
        ({"Content-Type": STRUCTURED_JSON}, b"[" * 100_000, ("", "")),
        ({"Content-Type": STRUCTURED_JSON}, b"\xff", ("", "")),
        ({"nats-msg-id": "m 1"}, b"", ("", "")),
        ({}, b"", ("", "")),
    ],
)
def test_a_message_nothing_came_of_is_named_as_far_as_it_can_be_read(
    headers: dict[str, str], body: bytes, names: tuple[str, str]
) -> None:
    """Also when it is we who fail on it; what is no visible ASCII is repeated to nobody."""
    found = unreadable(headers, body, Problem(500))
    assert (found.source, found.id) == names
