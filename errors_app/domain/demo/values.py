"""Invented values: what payloads, outputs and error messages are filled with."""

import re
from collections.abc import Callable, Mapping
from random import Random

from errors_app.domain.demo.moments import HOUR, MINUTE, SECOND, iso

Maker = Callable[[Random], object]
Shape = Mapping[str, Maker]

LOWER_ALPHANUMERICS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ALPHANUMERICS = LOWER_ALPHANUMERICS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CUSTOMERS = (
    "harbor-tools", "bluefin-cafes", "oakline-interiors", "sable-bikes", "tinwhistle-toys",
    "marrow-gardens", "quillworks", "fennel-kitchens", "rookery-outdoor", "vellum-paper",
    "cobalt-dental", "juniper-clinics", "larkfield-schools", "peregrine-sports",
)  # fmt: skip
_FIRST_NAMES = ("mara", "tomas", "ines", "jonas", "priya", "lena", "oskar", "nadia", "felix")
_LAST_NAMES = ("brandt", "okafor", "lindqvist", "moreau", "sato", "weiss", "duarte", "novak")
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def seeded(*parts: object) -> Random:
    """Chance that is the same for the same parts."""
    return Random(" ".join(map(str, parts)))  # noqa: S311 - invented data, no secret


def text(rng: Random, length: int, alphabet: str = LOWER_ALPHANUMERICS) -> str:
    return "".join(rng.choices(alphabet, k=length))


def one_of(*choices: object) -> Maker:
    return lambda rng: rng.choice(choices)


def whole(low: int, high: int) -> Maker:
    """A whole number in [low, high]."""
    return lambda rng: low + int(rng.random() * (high - low + 1))


def prefixed(prefix: str, length: int) -> Maker:
    return lambda rng: prefix + text(rng, length, _ALPHANUMERICS)


def worded(template: str) -> Maker:
    return lambda rng: fill(template, rng)


def customer(rng: Random) -> str:
    return rng.choice(_CUSTOMERS)


def email(rng: Random) -> str:
    name = f"{rng.choice(_FIRST_NAMES)}.{rng.choice(_LAST_NAMES)}"
    return f"{name}@{rng.choice(_CUSTOMERS)}.example"


def uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def sku(rng: Random) -> str:
    return f"TR-{rng.randint(10_000, 99_999)}"


def invoice(rng: Random) -> str:
    return f"INV-{rng.randint(100_000, 999_999)}"


order = whole(1_040_000, 1_990_000)
currency = one_of("EUR", "EUR", "EUR", "CHF", "GBP", "USD")

# In the messages that use them, the normalisation of fingerprint v1 makes constants of these.
_IN_MESSAGES: Shape = {
    "address": lambda rng: f"0x7f{rng.getrandbits(40):010x}",
    "charge": prefixed("ch_", 14),
    "event": prefixed("evt_", 16),
    "number": whole(1_000, 98_000),
    "other_number": whole(1_000, 98_000),
    "parcel": whole(100_000_000, 999_999_999),
    "payout": prefixed("po_", 14),
    "recipient": email,
    "sku": sku,
    "transaction": whole(200_000_000, 900_000_000),
    "uuid": uuid,
}


# The same, as seen from the moment of failing.
_TIMES_IN_MESSAGES: Mapping[str, Callable[[int], object]] = {
    "date": lambda moment: iso(moment)[:10],
    "epoch": lambda moment: (moment - 7 * MINUTE) // SECOND,
    "minute_ago": lambda moment: iso(moment - MINUTE),
    "next_hour": lambda moment: iso((moment // HOUR + 1) * HOUR),
}


def fill(
    template: str, rng: Random, moment: int = 0, known: Mapping[str, object] | None = None
) -> str:
    """The template with each `${name}` replaced by the known value of that name, or else by
    a fresh one, the same in the whole text."""
    values = dict(known or {})

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in values:
            time = _TIMES_IN_MESSAGES.get(name)
            values[name] = time(moment) if time else _IN_MESSAGES[name](rng)
        return str(values[name])

    return _PLACEHOLDER.sub(value, template)


def is_constant(template: str) -> bool:
    return _PLACEHOLDER.search(template) is None


def shaped(shape: Shape, rng: Random) -> dict[str, object]:
    return {name: maker(rng) for name, maker in shape.items()}
