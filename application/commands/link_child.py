"""Link a family to a child; nothing changes if they are already linked."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.commands.register_user import check_children, is_child
from application.ports import BatchState, Reads
from application.queries.users import User
from domain import family, user
from domain.event import Fact
from domain.refusal import NotFound
from domain.user import TITLES


class LinkChild(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "tie_child"

    family_id: str
    child_id: str

    @property
    def items(self) -> Sequence[str]:
        return (self.child_id,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.users.add(self.child_id)
        reads.histories.add(user.stream_of(self.family_id))
        reads.links.add((self.family_id, self.child_id))

    def follow(self, known: BatchState, reads: Reads) -> None:
        current = user.fold(known.history(user.stream_of(self.family_id)))
        if current is not None:
            reads.users.update(current.children)

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[User, Sequence[Fact]]:
        current = user.fold(known.history(user.stream_of(self.family_id)))
        if current is None or current.role != "family":
            raise NotFound(TITLES["family"])
        check_children((item,), known)
        # The events of the family do not show which of its children were removed since.
        children = {child_id for child_id in current.children if is_child(child_id, known)}
        state = User(
            current.user_id,
            current.role,
            current.username,
            current.institution_id,
            current.profile,
            sorted(children | {item}),
            [],
        )
        if known.is_linked(self.family_id, item):
            return state, []
        return state, [family.link(current, item)]
