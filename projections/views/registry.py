"""All views, in every version that a generation may still have."""

from collections.abc import Sequence

from projections.views.audit_trail import AuditTrail, AuditTrailV1
from projections.views.measurements import Measurements
from projections.views.outcomes import Outcomes, OutcomesV1
from projections.views.view import View


class Views:
    """The code of views: `latest` by name, and older versions that generations may still use."""

    def __init__(self, *latest: View, older: Sequence[View] = ()) -> None:
        self.latest: dict[str, View] = {view.name: view for view in latest}
        self._code = {(view.name, view.version): view for view in (*older, *latest)}

    def of(self, name: str, version: int) -> View | None:
        """The code of a version; None if this release does not have it."""
        return self._code.get((name, version))

    def only(self, name: str) -> "Views":
        """The versions of one view."""
        view = self.latest[name]
        return Views(view, older=[code for code in self._code.values() if code.name == name and code is not view])


VIEWS = Views(Measurements(), Outcomes(), AuditTrail(), older=[OutcomesV1(), AuditTrailV1()])
