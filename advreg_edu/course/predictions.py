"""Predictions: a form before the outcome, and the outcome beside what was predicted."""

import html
from collections.abc import Sequence

import ipywidgets as W
from IPython.display import display

from .._input.messages import describe
from .._input.signature import checked
from ..apps.shared.app import App
from ..apps.shared.messages import callback
from ..apps.shared.page import script
from .record import Progress
from .verdict import Text, status

GROUP = """
const heading = this.parentElement, form = this.closest('.advreg-app');
const name = () => {
  for (const box of form.querySelectorAll('.widget-radio-box:not([role])')) {
    box.setAttribute('role', 'radiogroup');
    box.setAttribute('aria-label', heading.textContent);
  }
};
new MutationObserver(name).observe(form, {childList: true, subtree: true});
name();"""  # ipywidgets gives a group of radio buttons no name that a screen reader could say
_outcomes: dict[str, str] = {}  # those that this session has shown


class Said(W.HTML):
    """A sentence under a form, which a screen reader reads out when it changes."""

    def say(self, sentence: str) -> None:
        """Show the sentence."""
        self.value = status(html.escape(sentence)) if sentence else ""

    def error(self, error: Exception) -> None:
        """Show what went wrong."""
        self.value = f'<div role="alert" class="advreg-error">{html.escape(str(error))}</div>'


class Form(App):
    """A question and a field. What is entered is kept at once, and no more once the outcome was shown beside it.

    Args: options, to choose one from; without them the answer is a number if `unit` is given, else words.
    """

    def __init__(self, name: str, question: str, options: Sequence[str] = (), unit: str | None = None) -> None:
        self.name, self.question, self.unit, self.notice = name, question, unit, Said()
        heading = W.HTML(f"<strong>Predict.</strong> {html.escape(question)}")
        wide = W.Layout(width="auto", max_width="46em")
        if options:
            heading.value += script(GROUP)
            self.field = W.RadioButtons(options=options, value=None, layout=wide, tooltip=question)
        else:
            label = "prediction" if unit is None else f"number, {unit}" if unit else "number"
            style = dict(description_width="initial")
            self.field = W.Text(description=label, continuous_update=False, layout=wide, style=style, tooltip=question)
        self.widget = W.VBox([heading, self.field, self.notice])
        self._show_kept()
        self.field.observe(self.keep, "value")

    def _show_kept(self) -> None:
        """The answer of last time, in its field."""
        entry = Progress().predictions.get(self.name)
        if entry is None:
            return
        if entry["answer"] in getattr(self.field, "options", [entry["answer"]]):
            self.field.value = entry["answer"]
        self.field.disabled = bool(entry["outcome"])
        self.notice.say(_confronted(entry["answer"], entry["outcome"]) if entry["outcome"] else _kept(entry["answer"]))

    @callback
    def keep(self, change: object = None) -> None:
        """Write what the field says into the record, and say so."""
        answer = (self.field.value or "").strip()
        record = Progress()
        if not answer or record.predictions.get(self.name, {}).get("outcome"):
            return self._show_kept()
        if self.unit is not None:
            _check_number(answer)
        seen = _outcomes.get(self.name)
        late = "" if seen is None else " (after the outcome was shown)"
        failed = record.predict(self.name, self.question, answer + late) or (seen and record.confront(self.name, seen))
        return self.notice.say(failed) if failed else self._show_kept()


@checked
def predict(name: str, question: str, options: Sequence[str] = (), *, unit: str | None = None) -> Form:
    """A form for a prediction. Each answer is kept in the record, and `outcome(name, ...)` sets the outcome beside it.

    Args:
        name: the notebook's number, a hyphen, and a word.
        options: to choose one from. Without them the answer is a number if `unit` is given ("" for none), else words.

    >>> form = predict("00-double", "What is twice 2?", unit="")
    >>> form.field.description
    'number'
    """
    texts = isinstance(options, Sequence) and all(isinstance(option, str) for option in options)
    if not texts or isinstance(options, str) or len(options) == 1:
        raise ValueError(f"options: expected two or more, got {describe(options)}. Give a list, or none for words.")
    return Form(name, question, options, unit)


@checked
def outcome(name: str, measured: str) -> None:
    """Show what came, beside what was predicted where anything was; the record keeps both.

    >>> outcome("00-never-asked", "4")
    No prediction was made. The outcome: 4
    """
    record = Progress()
    entry = record.predictions.get(name)
    _outcomes[name] = measured
    failed = record.confront(name, measured) if entry else ""
    display(Text(" ".join(filter(None, [_confronted(entry["answer"] if entry else "", measured), failed]))))


def _kept(answer: str) -> str:
    return f"Kept: {answer}."


def _confronted(answer: str, measured: str) -> str:
    return f"{f'You predicted: {answer}.' if answer else 'No prediction was made.'} The outcome: {measured}"


def _check_number(text: str) -> None:
    """Raise ValueError unless `text` begins with a number.

    >>> _check_number("4.5 dB")
    """
    try:
        float(text.split()[0].rstrip("%"))
    except ValueError:
        raise ValueError(f"Expected a number such as 4.5, got {text!r}. Decimals are written with a point.") from None
