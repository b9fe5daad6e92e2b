"""The bytes of responses that clients do not read are bounded; the oldest connections are aborted."""

from adapters.http.edge.held_answers import HeldAnswers


class Connection:
    def __init__(self) -> None:
        self.is_given_up = False

    def give_up(self) -> None:
        self.is_given_up = True


def held(answers: HeldAnswers, *sizes: tuple[str, int]) -> list[Connection]:
    connections = []
    for address, size in sizes:
        connections.append(Connection())
        answers.hold(connections[-1], address, size)
    return connections


def test_beyond_the_share_of_an_address_its_oldest_answers_are_given_up() -> None:
    connections = held(HeldAnswers(100), ("a", 10), ("b", 25), ("a", 10), ("a", 10))
    assert [True, False, False, False] == [each.is_given_up for each in connections]


def test_beyond_the_total_the_oldest_answers_of_all_are_given_up() -> None:
    answers = HeldAnswers(100)
    connections = held(answers, *((f"address {number}", 20) for number in range(7)))
    assert [True, True] + [False] * 5 == [each.is_given_up for each in connections]
    assert 100 == answers.size


def test_the_newest_answer_is_never_given_up() -> None:
    assert not held(HeldAnswers(100), ("a", 1_000))[0].is_given_up
    assert [True, False] == [each.is_given_up for each in held(HeldAnswers(100), ("", 60), ("", 1_000))]


def test_bytes_that_the_client_read_are_no_longer_held() -> None:
    answers = HeldAnswers(100)
    first, second = held(answers, ("a", 20), ("a", 5))
    answers.update(first, 10)
    (third,) = held(answers, ("a", 10))
    answers.let_go(second)
    answers.let_go(second)
    assert 20 == answers.size
    assert not any(each.is_given_up for each in (first, second, third))
