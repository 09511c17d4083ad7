"""A webhook is believed only when all of it is right; each thing that is not has its own name."""

import base64
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mot_cua import webhooks
from mot_cua.errors import UnexpectedAnswer
from mot_cua.webhooks import SeenIds, sign, verify
from services.gateway.webhooks import signing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NOW = 1_800_000_000
ID = "0195f0aa-0000-7000-8000-000000000001"
EVENT = {"specversion": "1.0", "id": ID, "source": "results", "type": "results.dossier-closed.v1"}
BODY = json.dumps(EVENT | {"data": {"closed_at": "2026-11-27T03:00:00Z", "results": 2}}).encode()


def signed(body: bytes = BODY, *, at: int = NOW, secret: str = SECRET, **changed: str) -> dict[str, str]:
    """The headers the gateway sends; a changed one under its last word."""
    headers = {
        "Webhook-Id": ID,
        "Webhook-Timestamp": str(at),
        "Webhook-Signature": sign(secret, ID, at, body),
    }
    return headers | {f"Webhook-{name.title()}": value for name, value in changed.items()}


def checked(
    headers: dict[str, str], body: bytes = BODY, secrets: str | list[str] = SECRET, at: int = NOW
) -> str:
    """The id of the event in a webhook."""
    return verify(headers, body, secrets, now=lambda: at).id


def test_the_specification_s_own_example() -> None:
    """From the reference libraries of Standard Webhooks: our signer and theirs agree."""
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=3), st.integers(0, 2), st.uuids())
def test_whatever_the_gateway_signs_is_believed_under_any_of_its_secrets(
    keys: list[bytes], number: int, event_id: UUID
) -> None:
    """Its own signer; whichever of the secrets that count the receiver has."""
    body = json.dumps(EVENT | {"id": str(event_id)}).encode()
    headers = signing.headers(keys, event_id, NOW, body)
    secret = "whsec_" + base64.b64encode(keys[number % len(keys)]).decode()
    assert verify(headers, body, secret, now=lambda: NOW).id == str(event_id)
    assert sign(secret, str(event_id), NOW, body) in headers["webhook-signature"].split()


def test_what_the_gateway_signs_is_believed() -> None:
    """Whatever the case of the headers, also as a list of pairs; the event is typed."""
    event = verify(list(signed().items()), BODY, SECRET, now=lambda: NOW)
    assert (event.id, event.plain["results"]) == (ID, 2)
    assert type(event.data).__name__ == "DossierClosed"


def test_during_a_rotation_either_secret_is_enough() -> None:
    """Two secrets here, or two signatures there, in any order, and ones of versions yet to come among them."""
    both = f"v1a,xyz {sign(OTHER, ID, NOW, BODY)} {sign(SECRET, ID, NOW, BODY)}"
    assert checked(signed(signature=both)) == ID
    assert checked(signed(), secrets=[OTHER, SECRET]) == ID
    assert checked(signed(signature=both), secrets=[OTHER]) == ID


@pytest.mark.parametrize("away", [-300, 0, 300])
def test_five_minutes_either_way(away: int) -> None:
    """A clock a little wrong is forgiven."""
    assert checked(signed(), at=NOW + away) == ID


WRONG: dict[str, tuple[dict[str, str], type[Exception]]] = {
    "too old": (signed(at=NOW - 301), webhooks.TimestampTooOld),
    "from the future": (signed(at=NOW + 301), webhooks.TimestampTooNew),
    "no time": (signed(timestamp="soon"), webhooks.TimestampMalformed),
    "a time of thousands of digits": (signed(timestamp="1" * 5000), webhooks.TimestampMalformed),
    "digits of another script": (signed(timestamp="١٨٠٠٠٠٠٠٠٠"), webhooks.TimestampMalformed),
    "an empty header": (signed(id=" "), webhooks.HeaderMissing),
    "another's secret": (signed(secret=OTHER), webhooks.SignatureWrong),
    "another time than signed": (signed(timestamp=str(NOW + 1)), webhooks.SignatureWrong),
    "another id than signed": (signed(id="0195"), webhooks.SignatureWrong),
    "cut off": (signed(signature=sign(SECRET, ID, NOW, BODY)[:-4]), webhooks.SignatureWrong),
    "no base64": (signed(signature="v1,§§§"), webhooks.SignatureWrong),
    "an empty signature": (signed(signature="v1,"), webhooks.SignatureWrong),
    "another version": (signed(signature="v2," + "a" * 44), webhooks.SignatureUnknown),
    "no version": (signed(signature="a" * 44), webhooks.SignatureUnknown),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_has_a_name(name: str) -> None:
    """And all of them are WebhookRefused."""
    headers, kind = WRONG[name]
    with pytest.raises(kind) as refused:
        checked(headers)
    assert isinstance(refused.value, webhooks.WebhookRefused)
    assert SECRET[6:] not in str(refused.value)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_each_header_is_needed(name: str) -> None:
    """One that is not there is said so."""
    headers = signed()
    del headers[name]
    with pytest.raises(webhooks.HeaderMissing, match=name.lower()):
        checked(headers)


def test_an_event_under_another_s_signature_is_refused() -> None:
    """The id that was signed is the event's own."""
    body = BODY.replace(ID.encode(), b"0195f0aa-0000-7000-8000-000000000002")
    with pytest.raises(webhooks.EventIdWrong):
        checked(signed(body), body)
    with pytest.raises(UnexpectedAnswer):
        checked(signed(b"[]"), b"[]")


def test_mistakes_of_the_receiver_are_not_the_sender_s() -> None:
    """Text instead of bytes, no secret, a secret that is none: not refused, but wrong."""
    with pytest.raises(TypeError):
        verify(signed(), BODY.decode(), SECRET)  # type: ignore[arg-type]
    wrong_ones: list[str | list[str]] = [[], "whsec_", "whsec_AAAA", "whsec_§"]
    for secrets in wrong_ones:
        with pytest.raises(ValueError, match="secret") as wrong:
            checked(signed(), secrets=secrets)
        assert "AAAA" not in str(wrong.value)


@given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_of_the_body_can_be_changed(body: bytes, place: int, by: int) -> None:
    """Whatever the body: any change of any byte is another body."""
    changed = bytearray(body or b"x")
    changed[place % len(changed)] ^= by
    headers = signed(body or b"x")
    with pytest.raises(webhooks.SignatureWrong):
        checked(headers, bytes(changed))


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=5), st.binary(max_size=50))
def test_whatever_is_sent_is_refused_in_a_known_way(headers: dict[str, str], body: bytes) -> None:
    """No header and no body makes it fail otherwise."""
    given_ = {"webhook-id": "x", "webhook-timestamp": str(NOW), "webhook-signature": "v1,"} | headers
    with pytest.raises(webhooks.WebhookRefused):
        checked(given_, body)


def test_ids_seen_are_kept_and_the_oldest_forgotten() -> None:
    """As many as said."""
    seen = SeenIds(count_max=2)
    for event_id in ("a", "b", "a", "c"):
        seen.add(event_id)
    assert [each in seen for each in "abc"] == [True, False, True]
