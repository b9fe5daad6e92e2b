"""Form a group of children, which will belong to the actor: an educator or a health professional."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import Struct

from application.account_command import AccountCommand
from application.commands.register_user import check_children_of_group
from application.ports import BatchState, Reads
from domain import group
from domain.event import Fact


class NewGroup(Struct, frozen=True):
    name: str
    children: tuple[str, ...]
    school_class: str | None = None


class FormGroup(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "form_group"

    group: NewGroup

    @property
    def items(self) -> Sequence[NewGroup]:
        return (self.group,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.users.update(self.group.children)
        reads.keys.add(group.key(self.actor.id, self.group.name))

    def decide(self, item: NewGroup, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        check_children_of_group(item.children, self.actor.id, known)
        group_id = new_id()
        return group_id, group.form(
            group_id=group_id,
            owner_id=self.actor.id,
            name=item.name,
            children=item.children,
            school_class=item.school_class,
            known=known,
        )
