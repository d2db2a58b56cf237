"""Fits handed to maketables and to marginaleffects."""

import sys

import numpy as np
import pytest

import glmfit as gf
from glmfit.errors import MissingPackageError

LOAD = gf.datasets.load


def test_coefficients_of_levels_are_one_flat_table():
    result = gf.mnlogit("sat ~ infl", LOAD("housing"), freq_weights="freq").fit()
    table = result.to_maketables().frame
    assert list(table.columns) == ["b", "se", "t", "p", "ci95l", "ci95u"]
    assert table.index.name == "Coefficient"
    assert table.loc["High:infl[T.High]", "b"] == result.params.loc["infl[T.High]", "High"]
    assert table.loc["High:infl[T.High]", "se"] == result.bse.loc["infl[T.High]", "High"]
    np.testing.assert_array_equal(table[["ci95l", "ci95u"]], result.conf_int())
    np.testing.assert_array_equal(table["p"], result.pvalues.to_numpy().T.ravel())


def test_tables_have_the_statistics_of_the_model():
    ols = gf.ols("stack_loss ~ air_flow", LOAD("stackloss")).fit(cov_type="HC3")
    ols_table = ols.to_maketables()
    assert ols_table.__maketables_stat__("r2") == ols.rsquared
    assert ols_table.__maketables_stat__("N") == 21
    assert ols_table.__maketables_stat__("unknown") is None
    assert ols_table.__maketables_depvar__ == "stack_loss"
    assert ols_table.__maketables_vcov_info__ == {"vcov_type": "HC3"}
    logit = gf.logit("O_RING_FAILURE ~ TEMPERATURE", LOAD("challenger")).fit()
    logit_table = logit.to_maketables()
    # it has no R squared of squares
    assert logit_table.__maketables_stat__("r2") is None
    assert logit_table.__maketables_stat__("pseudo_r2") == logit.prsquared


def test_a_missing_marginaleffects_is_told_how_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "marginaleffects", None)
    monkeypatch.delitem(sys.modules, "glmfit.results.adapter", raising=False)
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", LOAD("challenger")).fit()
    with pytest.raises(MissingPackageError, match=r"glmfit\[margins\]"):
        result.to_marginaleffects()
