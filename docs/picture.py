"""Draw docs/challenger.png, the picture of the README and of the front page.

python docs/picture.py          (needs the extra `plots`)
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import glmfit as gf

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Draw the fitted curve of the Challenger logit with its band, out to 31 F."""
    challenger = gf.datasets.load("challenger")
    result = gf.logit("O_RING_FAILURE ~ TEMPERATURE", data=challenger).fit()
    axes = gf.plots.fitted_curve(result, mark=31)
    axes.figure.set_size_inches(7.5, 4)
    # without the version of matplotlib, so that the same picture is the same file
    axes.figure.savefig(HERE / "challenger.png", dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
