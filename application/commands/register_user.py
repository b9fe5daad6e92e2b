"""Register a user of any role."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import Struct

from application.account_command import AccountCommand
from application.ports import BatchState, Reads
from domain import user
from domain.event import Fact
from domain.refusal import AlreadyRegistered, ChildrenNotRegistered, InstitutionNotRegistered
from domain.user import Profile


class NewUser(Struct, frozen=True):
    """`username` is in Unicode NFC; `password_hash` is the hash to store; `children` are those of a family."""

    role: str
    username: str
    password_hash: str
    institution_id: str | None = None
    profile: Profile = Profile()
    children: tuple[str, ...] = ()


class RegisterUser(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "register_user"

    user: NewUser

    @property
    def items(self) -> Sequence[NewUser]:
        return (self.user,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.users.update(self.user.children)
        reads.keys.add(user.key(self.user.username))
        reads.names.add(self.user.username)
        if self.user.institution_id is not None:
            reads.institutions.add(self.user.institution_id)

    def decide(self, item: NewUser, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        if item.institution_id is not None and not known.has_institution(item.institution_id):
            raise InstitutionNotRegistered
        check_children(item.children, known)
        if known.is_taken(item.username):
            raise AlreadyRegistered(user.TITLES[item.role])
        user_id = new_id()
        return user_id, user.register(
            user_id=user_id,
            role=item.role,
            username=item.username,
            password_hash=item.password_hash,
            institution_id=item.institution_id,
            profile=item.profile,
            children=item.children,
            known=known,
        )


def check_children(children: tuple[str, ...], known: BatchState) -> None:
    """ChildrenNotRegistered with the ids that are not those of registered children."""
    unknown = tuple(child_id for child_id in children if not is_child(child_id, known))
    if unknown:
        raise ChildrenNotRegistered(unknown)


def check_children_of_group(children: tuple[str, ...], owner_id: str, known: BatchState) -> None:
    """ChildrenNotRegistered with the ids that are not those of children of the owner's institution. Whether children of
    other institutions exist is not disclosed."""
    unknown = tuple(child_id for child_id in children if not may_be_in_group(child_id, owner_id, known))
    if unknown:
        raise ChildrenNotRegistered(unknown)


def may_be_in_group(child_id: str, owner_id: str, known: BatchState) -> bool:
    """Whether this is a registered child, of the institution of the group's owner."""
    child, owner = known.user(child_id), known.user(owner_id)
    return (
        is_child(child_id, known)
        and child is not None
        and owner is not None
        and (child.institution_id == owner.institution_id)
    )


def is_child(user_id: str, known: BatchState) -> bool:
    row = known.user(user_id)
    return row is not None and row.role == "child"
