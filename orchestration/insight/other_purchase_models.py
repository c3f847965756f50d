"""Two more models of customers without a contract, to compare with the one in `purchases`.

Pareto/NBD (Schmittlein, Morrison & Colombo 1987, Management Science 33(1)): customers may stop at any
moment, not only after a purchase. BG/BB (Fader, Hardie & Shang 2010, Marketing Science 29(6)): there are so
many occasions to buy, such as yearly appeals, and a customer uses each of them or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, gammaln, hyp2f1

from orchestration.insight.purchases import Purchases, lowest


@dataclass(frozen=True, slots=True)
class ParetoModel:
    """Pareto/NBD: rates vary as gamma(r, alpha), rates to stop as gamma(s, beta)."""

    r: float
    alpha: float
    s: float
    beta: float

    def log_likelihood(self, seen: Purchases) -> np.ndarray:
        """Of each customer's purchases."""
        r, alpha, s, beta, x = self.r, self.alpha, self.s, self.beta, seen.repeats
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        still = -(r + x) * np.log(alpha + seen.age) - s * np.log(beta + seen.age)
        return np.asarray(common + still + np.log1p(self._stopped(seen)))

    def alive(self, seen: Purchases) -> np.ndarray:
        """Probability that each customer still buys."""
        return np.asarray(1 / (1 + self._stopped(seen)))

    def expected(self, seen: Purchases, time: float) -> np.ndarray:
        """Purchases each customer is expected to make in the coming `time`."""
        age = self.beta + seen.age
        below_one = self.s - 1 if abs(self.s - 1) > 1e-9 else 1e-9
        lasting = age / below_one * (1 - (age / (age + time)) ** below_one)
        return np.asarray((self.r + seen.repeats) / (self.alpha + seen.age) * lasting * self.alive(seen))

    def _stopped(self, seen: Purchases) -> np.ndarray:
        """Odds that a customer has stopped."""
        r, alpha, s, beta, x = self.r, self.alpha, self.s, self.beta, seen.repeats
        total, longer = r + s + x, max(alpha, beta)
        other = s + 1 if alpha >= beta else r + x
        age = longer + seen.age

        def since(time: np.ndarray) -> np.ndarray:
            # in units of the age, so that large powers stay within a double
            grown = hyp2f1(total, other, total + 1, abs(alpha - beta) / (longer + time))
            return np.asarray(grown * (age / (longer + time)) ** total)

        scale = (r + x) * np.log(alpha + seen.age) + s * np.log(beta + seen.age) - total * np.log(age)
        return np.asarray(s / total * np.exp(scale) * (since(seen.last) - since(seen.age)))


@dataclass(frozen=True, slots=True)
class OccasionModel:
    """BG/BB: chances to buy vary as beta(alpha, beta), chances to stop before an occasion as
    beta(gamma, delta). `last` and `age` of what is seen count occasions.
    """

    alpha: float
    beta: float
    gamma: float
    delta: float

    def log_likelihood(self, seen: Purchases) -> np.ndarray:
        """Of each customer's purchases."""
        ways = [self._still(seen)]
        for later in range(int((seen.age - seen.last).max(initial=0))):
            # stopped so many occasions after the last purchase
            bought = betaln(self.alpha + seen.repeats, self.beta + seen.last - seen.repeats + later)
            stopped = betaln(self.gamma + 1, self.delta + seen.last + later)
            ways.append(np.where(seen.last + later < seen.age, bought + stopped + self._common, -np.inf))
        return np.asarray(np.logaddexp.reduce(ways))

    def alive(self, seen: Purchases) -> np.ndarray:
        """Probability that each customer is still there for the next occasion."""
        stays = (self.delta + seen.age) / (self.gamma + self.delta + seen.age)
        return np.asarray(stays * np.exp(self._still(seen) - self.log_likelihood(seen)))

    def expected(self, seen: Purchases, occasions: int) -> np.ndarray:
        """Purchases each customer is expected to make on the coming `occasions`."""
        ahead = np.arange(1, occasions + 1)[:, None]
        bought = betaln(self.alpha + seen.repeats + 1, self.beta + seen.age - seen.repeats)
        there = betaln(self.gamma, self.delta + seen.age + ahead)
        return np.asarray(np.exp(bought + there + self._common - self.log_likelihood(seen)).sum(axis=0))

    @property
    def _common(self) -> float:
        return float(-betaln(self.alpha, self.beta) - betaln(self.gamma, self.delta))

    def _still(self, seen: Purchases) -> np.ndarray:
        bought = betaln(self.alpha + seen.repeats, self.beta + seen.age - seen.repeats)
        return np.asarray(bought + betaln(self.gamma, self.delta + seen.age) + self._common)


def fit_occasions(seen: Purchases, customers: np.ndarray) -> OccasionModel:
    """The model most likely to have led to what was seen of so many customers each."""

    def value(searched: np.ndarray) -> float:
        return -float(customers @ OccasionModel(*np.exp(np.clip(searched, -7, 7))).log_likelihood(seen))

    return OccasionModel(*(float(each) for each in np.exp(lowest(value, np.zeros(4)))))
