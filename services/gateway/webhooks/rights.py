"""What may be pushed to an endpoint: what it asks for, of what its partner may read as it is registered now."""

from collections.abc import Collection
from functools import lru_cache

import msgspec

from services.gateway.partners.partner import ACTIVE, Partner, is_readable, types_of


class Rights(msgspec.Struct, frozen=True):
    """The types, and of whose dossiers (None: everybody's); `partner` and `asked` are what they follow from."""

    types: frozenset[str] = frozenset()
    readers: frozenset[str] | None = frozenset()
    active: bool = False
    partner: Partner | None = None
    asked: tuple[str, ...] = ()

    def of(self, partner: Partner | None, asked: tuple[str, ...]) -> "Rights":
        """The rights of a partner whose endpoint asks for these types."""
        if partner == self.partner and asked == self.asked:
            return self
        if partner is None:
            return Rights(asked=asked)
        types = _types(asked) & _types(partner.types)
        return Rights(types, partner.readers, partner.state == ACTIVE, partner, asked)

    def cover(self, type_: str, readers: Collection[str]) -> bool:
        """Whether an event of this type, which concerns `readers`, may go there (Partner.may_read, and asked for)."""
        return self.active and type_ in self.types and is_readable(self.readers, readers)


@lru_cache(maxsize=1000)
def _types(patterns: tuple[str, ...]) -> frozenset[str]:
    return types_of(patterns)
