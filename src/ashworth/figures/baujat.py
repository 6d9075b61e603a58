"""Baujat plot: which studies make the heterogeneity, and which move the pooled estimate."""

from __future__ import annotations

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import feet_texts, sheet, text_layers, title_text
from ashworth.figures.point_labels import point_texts
from ashworth.figures.result import Figure
from ashworth.figures.typesetting import clean
from ashworth.figures.value_panel import Panel, Scale

LEFT, RIGHT, HEIGHT = 54.0, 624.0, 300.0


def baujat_figure(
    studies: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str = "Contribution to heterogeneity",
    y_title: str = "Influence on the pooled estimate",
    note: str = "",
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw each study's influence on the result over its contribution to heterogeneity.

    Parameters
    ----------
    studies : polars.DataFrame
        Columns label, contribution (squared Pearson residual), influence (squared change of the
        pooled estimate without the study, over its variance without the study).
    name, title : str
        Name and title of the figure.
    x_title, y_title : str
        Titles of the axes.
    note : str
        Small line at the foot.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `studies`.

    Raises
    ------
    EstimationError
        Without a study that has both numbers.

    References
    ----------
    .. [1] Baujat B, Mahé C, Pignon JP, Hill C (2002). A graphical method for exploring
       heterogeneity in meta-analyses. Stat Med 21:2641-2652.

    Examples
    --------
    >>> studies = pl.DataFrame({"label": ["A", "B"], "contribution": [0.4, 3.2],
    ...     "influence": [0.1, 0.9]})
    >>> baujat_figure(studies, name="b", title="OS").alt
    'Baujat plot, OS. 2 studies. Largest contribution to heterogeneity: B (3.20); largest influence:
    B (0.90).'
    """
    known = studies.filter(pl.col("contribution").is_finite() & pl.col("influence").is_finite())
    if not known.height:
        raise EstimationError("no study has both a contribution and an influence")
    records = known.to_dicts()
    top = 52.0 if title else 30.0
    far, high = (max(r[c] for r in records) for c in ("contribution", "influence"))
    panel = Panel(
        Scale(0.0, max(far, 1e-9) * 1.08, LEFT, RIGHT),
        Scale(0.0, max(high, 1e-9) * 1.08, top + HEIGHT, top),
    )
    frame, words = panel.frame(x_title, y_title)
    tips = (("contribution", "Contribution", ".3f"), ("influence", "Influence", ".3f"))
    points = panel.points(
        records, "contribution", "influence", theme.PALETTE[0], 46, tips, "studies"
    )
    far_first = sorted(records, key=lambda r: -_distance(r, panel))
    named = [
        (panel.x.pixel(r["contribution"]), panel.y.pixel(r["influence"]), str(r["label"]))
        for r in far_first
    ]
    names = point_texts(named, (LEFT + 2, RIGHT + 12, top, top + HEIGHT - 2))
    feet, height = feet_texts(top + HEIGHT + 58, note, simulated=simulated)
    titles = [title_text(clean(title))] if title else []
    layers = [*frame, *points, *text_layers([*titles, *words, *names, *feet])]
    text = alt or _alt(known, clean(title))
    return Figure(name, clean(title), text, sheet(layers, height=height), studies)


def _distance(row: dict[str, float], panel: Panel) -> float:
    """How far a study stands from the origin, in shares of the axes."""
    return row["contribution"] / panel.x.high + row["influence"] / panel.y.high


def _alt(studies: pl.DataFrame, title: str) -> str:
    worst, strongest = (
        studies.sort(c, descending=True).row(0, named=True) for c in ("contribution", "influence")
    )
    start = f"Baujat plot, {title}. " if title else "Baujat plot. "
    return (
        f"{start}{studies.height} studies. Largest contribution to heterogeneity: "
        f"{clean(worst['label'])} ({worst['contribution']:.2f}); largest influence: "
        f"{clean(strongest['label'])} ({strongest['influence']:.2f})."
    )
