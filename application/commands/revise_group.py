"""Change the name, the children or the class of a group, by its owner."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import UNSET, Struct, UnsetType

from application.account_command import AccountCommand
from application.commands.register_user import check_children_of_group, may_be_in_group
from application.ports import BatchState, Reads
from application.queries.groups import Group
from domain import group
from domain.event import Fact
from domain.refusal import NotFound


class GroupChange(Struct, frozen=True):
    """A member that is UNSET stays as it is. `school_class` is None to remove it."""

    name: str | UnsetType = UNSET
    children: tuple[str, ...] | UnsetType = UNSET
    school_class: str | UnsetType | None = UNSET


class ReviseGroup(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "revise_group"

    group_id: str
    change: GroupChange

    @property
    def items(self) -> Sequence[GroupChange]:
        return (self.change,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.histories.add(group.stream_of(self.group_id))
        if self.change.name is not UNSET:
            reads.keys.add(group.key(self.actor.id, self.change.name))
        if self.change.children is not UNSET:
            reads.users.update(self.change.children)

    def follow(self, known: BatchState, reads: Reads) -> None:
        current = group.fold(known.history(group.stream_of(self.group_id)))
        if current is not None:
            reads.users.update(current.children)

    def decide(
        self, item: GroupChange, known: BatchState, *, new_id: Callable[[], str]
    ) -> tuple[Group, Sequence[Fact]]:
        current = group.fold(known.history(group.stream_of(self.group_id)))
        if current is None or current.owner_id != self.actor.id:
            raise NotFound(group.TITLE)
        if item.children is UNSET:
            # The events of the group do not show which of its children were removed since.
            children = tuple(each for each in current.children if may_be_in_group(each, self.actor.id, known))
        else:
            check_children_of_group(item.children, self.actor.id, known)
            children = item.children
        name = current.name if item.name is UNSET else item.name
        school_class = current.school_class if item.school_class is UNSET else item.school_class
        facts = group.revise(
            current,
            name=name,
            children=children,
            school_class=school_class,
            known=known,
        )
        return Group(current.group_id, name, sorted(children), school_class), facts
