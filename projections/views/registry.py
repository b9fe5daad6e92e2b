"""Every view there is, in each version that a generation may still be of."""

from collections.abc import Sequence

from projections.views.audit_trail import AuditTrail, AuditTrailV1
from projections.views.measurements import Measurements
from projections.views.outcomes import Outcomes, OutcomesV1
from projections.views.view import View


class Views:
    """The code of views: `latest` by name, and those of older versions that are still kept."""

    def __init__(self, *latest: View, older: Sequence[View] = ()) -> None:
        self.latest: dict[str, View] = {view.name: view for view in latest}
        self._code = {(view.name, view.version): view for view in (*older, *latest)}

    def of(self, name: str, version: int) -> View | None:
        """The code of a version, where there is any."""
        return self._code.get((name, version))

    def only(self, name: str) -> "Views":
        """Those of one name."""
        view = self.latest[name]
        return Views(view, older=[code for code in self._code.values() if code.name == name and code is not view])


VIEWS = Views(Measurements(), Outcomes(), AuditTrail(), older=[OutcomesV1(), AuditTrailV1()])
