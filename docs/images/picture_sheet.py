"""A sheet of pixel pictures with labels, outlines and scale bars: SVG, drawn to a WebP file."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ashworth.figures.render import converter
from ashworth.figures.theme import FONT_STACK, INK, MUTED

Grey = NDArray[np.uint8]
SCALE = 1.5
LINE = {"nucleus": "#56b4e9", "inner": "#ffffff", "cell": "#f0e442", "body": "#e69f00"}
"""Colours of Okabe and Ito that stay apart for colour-blind readers, on dark pictures."""


def grey(plane: NDArray[np.floating], low: float, high: float) -> Grey:
    """Counts to 8 bits, black at `low`, white at `high`."""
    return np.clip((plane - low) * (255 / (high - low)), 0, 255).astype(np.uint8)


def composite(planes: list[Grey], colours: list[tuple[int, int, int]]) -> Grey:
    """Add channels in their colours."""
    total = sum(
        p[..., None].astype(np.float32) / 255 * np.float32(c)
        for p, c in zip(planes, colours, strict=True)
    )
    return np.minimum(total, 255).astype(np.uint8)


@dataclass
class Sheet:
    """Pictures side by side on white.

    Attributes
    ----------
    width, height : int
        In px of the page.
    parts : list of str
        SVG elements, in the order of drawing.
    """

    width: int
    height: int
    parts: list[str] = field(default_factory=list)

    def picture(self, image: Grey, x: float, y: float, scale: float, title: str = "") -> None:
        """Place a picture, enlarged without smoothing where it grows; its title stands above."""
        big = _resized(image, scale)
        shown = big if big.ndim == 2 else cv2.cvtColor(big, cv2.COLOR_RGB2BGR)
        data = base64.b64encode(cv2.imencode(".png", shown)[1].tobytes()).decode()
        self.parts.append(
            f'<image x="{x}" y="{y}" width="{image.shape[1] * scale}" '
            f'height="{image.shape[0] * scale}" href="data:image/png;base64,{data}"/>'
        )
        if title:
            self.text(title, x, y - 6)

    def text(
        self,
        words: str,
        x: float,
        y: float,
        *,
        size: int = 14,
        colour: str = INK,
        end: bool = False,
    ) -> None:
        """Write one line; (x, y) is the left (or right) end of its base line."""
        anchor = "end" if end else "start"
        self.parts.append(
            f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def outline(
        self, mask: NDArray[np.bool_], x: float, y: float, scale: float, colour: str,
        *, width: float = 2, dash: str = "", fill: str = "none",
    ) -> None:  # fmt: skip
        """Draw the outline of a mask along the edges of its pixels."""
        grown = np.kron(np.pad(mask, 1).astype(np.uint8), np.ones((4, 4), np.uint8))
        found, _ = cv2.findContours(grown, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        paths = []
        for contour in found:
            points = (contour[:, 0].astype(float) + 0.5) / 4 - 1
            steps = " L".join(f"{x + px * scale:.1f} {y + py * scale:.1f}" for px, py in points)
            paths.append(f"M{steps} Z")
        self.parts.append(
            f'<path d="{" ".join(paths)}" fill="{fill}" fill-rule="evenodd" stroke="{colour}" '
            f'stroke-width="{width}" stroke-dasharray="{dash}"/>'
        )

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Draw a rectangle."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" '
            f'stroke="{colour}" stroke-width="2"/>'
        )

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: str, dash: str = "") -> None:
        """Draw a line."""
        self.parts.append(
            f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/>'
        )

    def scale_bar(self, x: float, y: float, px_per_um: float, length_um: int) -> None:
        """Draw a bar with its length; (x, y) is its left end."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{length_um * px_per_um}" height="4" fill="#ffffff"/>'
        )
        self.text(f"{length_um} µm", x, y - 5, size=13, colour="#ffffff")

    def save(self, path: Path, *, quality: int = 80, scale: float = SCALE) -> None:
        """Write the sheet with the word simulated in its lower right corner."""
        self.text("simulated", self.width - 4, self.height - 5, size=12, colour=MUTED, end=True)
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'font-family="{escape(FONT_STACK)}">'
            f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(self.parts)}</svg>'
        )
        picture = imagecodecs.png_decode(converter().svg_to_png(svg, scale=scale))
        path.write_bytes(imagecodecs.webp_encode(picture[..., :3].copy(), level=quality))


def _resized(image: Grey, scale: float) -> Grey:
    size = (round(image.shape[1] * scale * SCALE), round(image.shape[0] * scale * SCALE))
    method = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
