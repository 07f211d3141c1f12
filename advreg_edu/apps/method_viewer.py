"""The method viewer: flip between the reconstructions of one image (notebook 07). Paper: Figures 1 and 2."""

import ipywidgets as W

from ..drawing.pictures import busiest, strip, with_inset
from ..metrics import psnr, ssim
from .app import App
from .layout import column, for_the_page, row
from .parts import Knob, Notice, Panel, Quiet, Status, guarded

SIDE = 32  # pixels of the magnified square
ERROR_LIMIT = 0.3


def picture(truth, x, name, corner):
    """Truth, one reconstruction and its error, the first two with the same square magnified: a Picture.

    Args: truth, x (C, H, W); corner (row, column) of the square.
    """
    error = (x - truth).mean(0)
    panels = [with_inset(truth, corner, SIDE), with_inset(x.clamp(0, 1), corner, SIDE), error]
    titles = ["truth", name, f"{name} − truth"]
    return strip(panels, titles, ["image", "image", "signed"], signed_limit=ERROR_LIMIT)


def sentence(truth, results, name, number):
    """The chosen method in words and numbers, with its rank."""
    scores = {
        key: float(psnr(x[number : number + 1].clamp(0, 1), truth[number : number + 1])) for key, x in results.items()
    }
    rank = sorted(scores, key=scores.get, reverse=True).index(name) + 1
    x = results[name][number : number + 1].clamp(0, 1)
    similarity = float(ssim(x, truth[number : number + 1]))
    return (
        f"Image {number}, {name}: PSNR {scores[name]:.2f} dB, number {rank} of {len(scores)}; SSIM {similarity:.3f}. "
        f"Best is {max(scores, key=scores.get)} with {max(scores.values()):.2f} dB."
    )


class MethodViewer(App):
    """Buttons for the methods, sliders for image and magnified square; every picture is drawn from what is stored."""

    def __init__(self, truth, results):
        self.truth, self.results, self.quiet = truth, results, Quiet()
        last = [length - SIDE for length in truth.shape[-2:]]
        self.method = W.ToggleButtons(options=list(results), description="method", tooltips=list(results))
        self.number = Knob("image", 0, 0, len(truth) - 1, 1, "Which image")
        self.row = Knob("square: row", 0, 0, last[0], 1, "First row of the magnified square", live=True)
        self.column = Knob("square: column", 0, 0, last[1], 1, "First column of the magnified square", live=True)
        self.pictures, self.status, self.notice = Panel(), Status(), Notice()
        self.notice.say("Flip between two methods while you look at one spot. What appears, and what disappears?")
        squares = row([column([self.row]), column([self.column])])
        rows = [for_the_page(), self.method, self.number.widget, squares, self.notice, self.pictures, self.status]
        self.widget = W.VBox(rows, layout=W.Layout(max_width="848px", overflow="hidden"))
        self.method.observe(self._draw, "value")
        self.number.observe(self._look)
        self.row.observe(self._draw)
        self.column.observe(self._draw)
        self._look()

    @guarded
    def _look(self, change=None):
        """Another image: put the square where there is most to see."""
        with self.quiet:
            self.row.value, self.column.value = busiest(self.truth[self.number.value], SIDE)
        self._draw()

    @guarded
    def _draw(self, change=None):
        if self.quiet:
            return
        name, k = self.method.value, self.number.value
        corner = self.row.value, self.column.value
        self.pictures.show(picture(self.truth[k], self.results[name][k], name, corner))
        self.status.say(sentence(self.truth, self.results, name, k))


def method_viewer(truth, results):
    """The app, shown when it ends a cell.

    Args: truth (N, C, H, W) in [0, 1]; results, {method: (N, C, H, W)}, the first is shown first.
    """
    return MethodViewer(truth, results)
