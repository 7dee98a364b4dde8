"""A few of the simulated changes: the rates are those that were stated. All: `python -m bench baselines`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import baselines
from bench.figures import NotMeasured


@pytest.mark.long(reason="`make books` and `python -m bench` run all of it")
def test_the_rates_of_a_simulated_model_come_out_as_stated(tmp_path: Path) -> None:
    try:
        figures = list(baselines.simulated(tmp_path, changes=60))
    except NotMeasured as error:
        pytest.skip(str(error))
    assert len(figures) == 4
    assert [figure.what for figure in figures if "OUTSIDE" in figure.how] == []
    (caught, _, confirmed, _) = (figure.value for figure in figures)
    assert confirmed < caught  # the model that is asked again drops some of what is true as well
