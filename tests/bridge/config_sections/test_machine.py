"""Nothing that is counted or waited for here may be none."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.config_sections import Bus, Database, Doctor, Keys


@pytest.mark.parametrize(
    ("section", "key"),
    [(Keys, "max_cached"), (Database, "read_threads"), (Bus, "max_pending"), (Doctor, "timeout_s")],
)
def test_a_bound_of_none_is_refused(section: type[Keys | Database | Bus | Doctor], key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        section.model_validate({key: 0})
