"""What handlers import at their top loads neither NumPy nor SciPy: that takes a second, at the first question."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["results", "calculator"])
def test_shapes_and_refusals_load_no_numpy(module: str) -> None:
    program = f"import sys, adapters.statistics.{module}; print({{'numpy', 'scipy'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "set()\n" == done.stdout
