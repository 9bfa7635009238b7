"""An id may be given up without proof only if every node that ever saw it refused it."""

from __future__ import annotations

from topics.unsent import Unsent
from topics.values import AccountId, TransactionId

ID = TransactionId(AccountId(0, 0, 1001), 1)


def test_refused_at_its_first_sending_it_may_be_given_up_once() -> None:
    unsent = Unsent()
    unsent.drawn([ID])
    assert unsent.sending(ID)
    unsent.too_early(ID)
    assert unsent.give_up(ID)
    assert not unsent.give_up(ID)


def test_one_that_an_earlier_process_left_may_have_been_sent() -> None:
    assert not Unsent().sending(ID)


def test_what_was_sent_before_may_have_arrived() -> None:
    unsent = Unsent()
    unsent.drawn([ID])
    unsent.sending(ID)
    assert not unsent.sending(ID)
    assert not unsent.give_up(ID)
