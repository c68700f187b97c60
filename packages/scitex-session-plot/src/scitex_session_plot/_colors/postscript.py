"""The colours of a style in PostScript, which knows no opacity.

matplotlib draws what is partly transparent as opaque there, so that each colour of a style with
``alpha=0.9`` is darker in EPS than in PNG, and warns of it at each save. In their place are drawn
the opaque colours that they have on white paper. What the user makes transparent is drawn as ever,
and warned of.
"""

from __future__ import annotations

from matplotlib import rcParams
from matplotlib.backend_bases import GraphicsContextBase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    Levels = tuple[float, ...]

OPAQUE = 1.0
WHITE = (1.0, 1.0, 1.0)


class ColorsOnPaper:
    """A renderer of PostScript in the place of matplotlib's, until `cancel`.

    Parameters
    ----------
    backend : module
        ``matplotlib.backends.backend_ps``.
    opacities : collection of float
        The opacities of styles; looked at for each colour.
    """

    def __init__(self, backend: Any, opacities: Collection[float]) -> None:
        self._backend = backend
        self._own = backend.RendererPS
        self._ours = _renderer(self._own, opacities)
        self._backend.RendererPS = self._ours

    def cancel(self) -> None:
        """Restore matplotlib's renderer, unless somebody has replaced ours."""
        if self._backend.RendererPS is self._ours:
            self._backend.RendererPS = self._own


def _renderer(own: Any, opacities: Collection[float]) -> Any:
    """Return a renderer that is matplotlib's `own` but for the colours that it is given."""

    def on_paper(color: Any) -> Any:
        return _on_white(tuple(color)) if _is_of_a_style(color, opacities) else color

    class Context(GraphicsContextBase):
        def get_rgb(self) -> Any:
            return on_paper(super().get_rgb())

    class Renderer(own):  # type: ignore[misc]
        def new_gc(self) -> Context:
            return Context()

        def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
            super().draw_path(gc, path, transform, on_paper(rgbFace))

        def draw_markers(
            self,
            gc: Any,
            marker_path: Any,
            marker_trans: Any,
            path: Any,
            trans: Any,
            rgbFace: Any = None,
        ) -> None:
            super().draw_markers(gc, marker_path, marker_trans, path, trans, on_paper(rgbFace))

        def draw_path_collection(
            self,
            gc: Any,
            master_transform: Any,
            paths: Any,
            all_transforms: Any,
            offsets: Any,
            offset_trans: Any,
            facecolors: Any,
            *others: Any,
            **keywords: Any,
        ) -> None:
            super().draw_path_collection(
                gc,
                master_transform,
                paths,
                all_transforms,
                offsets,
                offset_trans,
                [on_paper(color) for color in facecolors],
                *others,
                **keywords,
            )

    return Renderer


def _is_of_a_style(color: Any, opacities: Collection[float]) -> bool:
    """Return whether a colour has the opacity of a style, or is the ground of a legend."""
    if color is None or len(color) != len(WHITE) + 1 or color[3] in (0, OPAQUE):
        return False
    return color[3] in opacities or (
        tuple(color[:3]) == WHITE and color[3] == rcParams["legend.framealpha"]
    )


def _on_white(color: Levels) -> Levels:
    *levels, alpha = color
    return (
        *(alpha * level + (1 - alpha) * white for level, white in zip(levels, WHITE, strict=True)),
        OPAQUE,
    )
