"""Which agent a run is for, and whether it is sent: decided by rules, the first that fits."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from infinium_otel.records import Attributes, SpanRecord, Trace
    from infinium_otel.taskdata import TaskData

logger = logging.getLogger(__name__)

DROPPED = "dropped_by_rule"
"""Why a run is not sent: its rule drops all of them."""
SAMPLED_OUT = "sampled_out"
"""Why a run is not sent: it is not in the share of its rule, and nothing failed in it."""
NO_RULE = "no_rule"
"""Why a run is not sent: no rule fits, and there is no default agent."""
REJECTED = "should_send"
"""Why a run is not sent: the hook of its rule returned False."""

SENT = "sent"
NO_RULE_NAME = "(none)"
"""The name under which runs are counted that no rule fits."""
MAX_DECIDED = 10_000
"""Runs whose decision is remembered, at most: their late parts share it."""
SALT = b"infinium-otel sample "
"""A share of its own: what a Collector sampled by trace id must not decide it again."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One attribute and the values that fit.

    Args:
        key: of the attribute.
        patterns: texts, of which one must fit; `*` stands for any characters.
    """

    key: str
    patterns: tuple[str, ...]

    def fits(self, attributes: Attributes) -> bool:
        """Whether the attribute is there, with one of the values."""
        texts = [*_iter_texts(attributes.get(self.key))]
        return any(match(each, text) for each in self.patterns for text in texts)


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do with the runs that fit.

    Args:
        name: to count by.
        resource: conditions on the resource of the run's root; all must hold.
        span: the same for the attributes of the root.
        agent: the name of the agent; "" for the default one.
        drop: send none of them.
        share: of the runs in which nothing failed, 0 to 1; failed ones are always sent.
        should_send: a hook (task) -> bool; False drops the run.
    """

    name: str
    resource: tuple[Condition, ...] = ()
    span: tuple[Condition, ...] = ()
    agent: str = ""
    drop: bool = False
    share: float = 1.0
    should_send: Callable[[TaskData], bool] | None = None

    def fits(self, root: SpanRecord) -> bool:
        """Whether all conditions hold for a run with this root."""
        return all(each.fits(root.resource) for each in self.resource) and all(
            each.fits(root.attributes) for each in self.span
        )


class Router:
    """Applies rules, and counts what they did.

    Args:
        rules: in order; the first that fits decides.
        has_default: whether there is an agent for runs that no rule fits.

    Attributes:
        counts: runs by the name of the rule and by "sent" or the reason.
    """

    def __init__(self, rules: Sequence[Rule] = (), *, has_default: bool = True) -> None:
        self._rules = tuple(rules)
        self._fallback = Rule(NO_RULE_NAME, drop=not has_default)
        self._decided: OrderedDict[tuple[str, str], tuple[Rule, str]] = OrderedDict()
        self._has_warned_of_hook = False
        self.counts: Counter[tuple[str, str]] = Counter()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rules, in order."""
        return tuple(rule.name for rule in self._rules)

    def find_rule(self, trace: Trace) -> Rule:
        """The rule for a run; for a late part that of the run."""
        if not self._rules:
            return self._fallback
        decided = self._find_decided(trace)
        if decided is not None:
            return decided[0]
        root = _find_root(trace)
        return next((each for each in self._rules if each.fits(root)), self._fallback)

    def find_drop_reason(self, rule: Rule, trace: Trace) -> str:
        """Why a run is dropped before it is mapped; "" if it is not."""
        if not rule.drop or rule is self._fallback:
            return ""
        self._note(rule, trace, DROPPED)
        return DROPPED

    def decide(self, rule: Rule, trace: Trace, task: TaskData) -> str:
        """Why a mapped run is not sent; "" if it is.

        A late part shares the decision, unless something failed in it.
        """
        decided = self._find_decided(trace)
        if decided is not None:
            reason = decided[1]
            if reason == SAMPLED_OUT and has_failed(trace, task):
                reason = ""
        elif rule.drop:
            reason = NO_RULE
            self._warn_of_no_rule(trace)
        elif self._is_sampled_out(rule, trace, task):
            reason = SAMPLED_OUT
        else:
            reason = "" if self._passes_hook(rule, task) else REJECTED
        self._note(rule, trace, reason)
        return reason

    def _warn_of_no_rule(self, trace: Trace) -> None:
        if not self.counts[NO_RULE_NAME, NO_RULE]:
            logger.warning(
                "No rule of --routes fits trace %s (service %s), and there is no default "
                "agent: it is not sent, and further ones are counted. Add a rule, or set "
                "INFINIUM_AGENT_ID and INFINIUM_AGENT_SECRET for the default agent",
                trace.trace_id,
                _find_root(trace).resource.get("service.name"),
            )

    def summarize(self) -> dict[str, dict[str, int]]:
        """Runs by rule, and then by "sent" or the reason; every rule has its entry."""
        found: dict[str, dict[str, int]] = {rule.name: {} for rule in self._rules}
        for (name, outcome), runs in [*self.counts.items()]:
            found.setdefault(name, {})[outcome] = runs
        return found

    def _find_decided(self, trace: Trace) -> tuple[Rule, str] | None:
        if not trace.part:
            return None
        return self._decided.get((trace.trace_id, trace.root_id))

    def _note(self, rule: Rule, trace: Trace, reason: str) -> None:
        if not self._rules:
            return
        self.counts[rule.name, reason or SENT] += 1
        self._decided[trace.trace_id, trace.root_id] = (rule, reason)
        if len(self._decided) > MAX_DECIDED:
            self._decided.popitem(last=False)

    def _is_sampled_out(self, rule: Rule, trace: Trace, task: TaskData) -> bool:
        if rule.share >= 1 or is_in_share(trace.trace_id, rule.share):
            return False
        return not has_failed(trace, task)

    def _passes_hook(self, rule: Rule, task: TaskData) -> bool:
        if rule.should_send is None:
            return True
        try:
            return bool(rule.should_send(task))
        except Exception as error:  # noqa: BLE001 - the user's own code
            if not self._has_warned_of_hook:
                self._has_warned_of_hook = True
                logger.warning(
                    "should_send of the rule %s raised %s; the run is sent",
                    rule.name,
                    type(error).__name__,
                )
            return True


def match(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern, in which `*` stands for any characters.

    In linear time, whatever the text: it comes from a span.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    at, end = len(first), len(text) - len(last)
    if end < at or not (text.startswith(first) and text.endswith(last)):
        return False
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def is_in_share(trace_id: str, share: float) -> bool:
    """Whether a run belongs to the share: the same in every process."""
    digest = sha256(SALT + trace_id.encode()).digest()
    return int.from_bytes(digest[:7], "big") < share * 2**56


def has_failed(trace: Trace, task: TaskData) -> bool:
    """Whether anything in a run failed, also if the run itself went on."""
    if task.errors or any(record.status == "error" for record in trace.records):
        return True
    return any(step.error is not None for step in task.steps or ())


def to_text(value: Any) -> str | None:
    """A scalar as conditions compare it; None for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else None


def _iter_texts(value: Any) -> Iterator[str]:
    values = value if isinstance(value, (list, tuple)) else (value,)
    for each in values:
        text = to_text(each)
        if text is not None:
            yield text


def _find_root(trace: Trace) -> SpanRecord:
    """The root; the earliest span of a part that lacks it."""
    return next(
        (each for each in trace.records if each.span_id == trace.root_id),
        trace.records[0],
    )


def count_by_rule(
    rules: Mapping[str, Mapping[str, int]], *outcomes: str
) -> dict[str, int]:
    """Runs with one of *outcomes*, by rule."""
    return {
        name: sum(counts.get(each, 0) for each in outcomes)
        for name, counts in rules.items()
    }
