"""The cycle model of pruned attention: the models of its engines, and what moves between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from accelsim.engines.select_model import SelectModel

if TYPE_CHECKING:
    from accelsim.engines.pruned_attention import PrunedAttention

Front = Literal["idle", "keys", "exp", "divide", "decide", "hand_over"]
Back = Literal["idle", "ask", "feed", "values", "give"]
Takes = set[str]
Gives = dict[str, int]


class PrunedAttentionModel:
    """Two halves: ``front`` makes the probabilities of a query, ``back`` selects and sums."""

    def __init__(self, engine: PrunedAttention) -> None:
        self._front = _Front(engine)
        self._back = _Back(engine)

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        front, back = self._front, self._back
        takes: Takes = set()
        gives: Gives = {}
        hands_over = front.state == "hand_over" and back.state == "idle"
        front.step(offered, ready, takes, gives)
        back.step(offered, ready, takes, gives)
        if hands_over:
            back.begin(front.probabilities[: front.n], front.k, requantised=front.low)
            front.state = "idle"
        return frozenset(takes), gives


class _Front:
    def __init__(self, engine: PrunedAttention) -> None:
        self._engine = engine
        self.state: Front = "idle"
        self.n = self.k = self._tau = 0
        self.low = False
        self._query: list[int] = []
        self._sent = self._came = 0
        self._dot: tuple[int, int] | None = None
        self._scores = [0] * engine.keys
        self._weights = [0] * engine.keys
        self.probabilities = [0] * engine.keys
        self._most = self._sum = self._top = 0
        self._exponential = engine.exponential.model()
        self._summing = engine.summing.model()
        self._divide = engine.divide.model()

    def step(
        self,
        offered: Mapping[str, int | None],
        ready: Mapping[str, bool],
        takes: Takes,
        gives: Gives,
    ) -> None:
        match self.state:
            case "idle":
                takes.add("request")
                if offered["request"] is not None:
                    self._begin(offered["request"])
            case "keys":
                self._fetch(offered["key"], ready["key_address"], takes, gives)
            case "exp":
                self._exponentials()
            case "divide":
                self._quotients()
            case "decide":
                again = self._top < self._tau and not self.low and self._engine.low_bits > 0
                self.low = self.low or again
                self._to("keys" if again else "hand_over")

    def _to(self, state: Front) -> None:
        self.state = state
        self._sent = self._came = 0

    def _begin(self, request: int) -> None:
        from accelsim.engines.pruned_attention import signed

        engine = self._engine
        asked = engine.port("request").unpack(request)
        self.n, self.k, self._tau = min(asked["n"], engine.keys), asked["k"], asked["tau"]
        self._query = [
            signed(asked[f"lane_{e}"], engine.query_bits) for e in range(engine.features)
        ]
        self.low = False
        self._to("keys" if self.n else "hand_over")

    def _fetch(self, key: int | None, ready: bool, takes: Takes, gives: Gives) -> None:
        from accelsim.engines.pruned_attention import signed

        engine = self._engine
        if self._sent < self.n:
            gives["key_address"] = engine.port("key_address").pack(
                index=self._sent, low=int(self.low)
            )
        dot, self._dot = self._dot, None
        if self._came < self.n:
            takes.add("key")
            if key is not None:
                lanes = engine.port("key").unpack(key).values()
                if self.low:
                    part = [lane & ((1 << engine.low_bits) - 1) for lane in lanes]
                else:
                    mask = (1 << engine.high_bits) - 1
                    part = [signed(lane & mask, engine.high_bits) for lane in lanes]
                product = sum(q * p for q, p in zip(self._query, part, strict=True))
                self._dot = (self._came, product)
                self._came += 1
        if self._sent < self.n and ready:
            self._sent += 1
        if dot is not None:
            place, product = dot
            score = self._scores[place] + product if self.low else product << engine.low_bits
            self._scores[place] = score
            self._most = score if place == 0 else max(self._most, score)
            if place == self.n - 1:
                self._to("exp")

    def _exponentials(self) -> None:
        engine = self._engine
        given = None
        if self._sent < self.n:
            score = self._scores[self._sent]
            given = engine.exponential.port("i").pack(
                a=engine.to_wide(score), b=engine.to_form(self._most)
            )
        took, gave = self._exponential.step({"i": given}, {"o": True})
        self._sent += given is not None and "i" in took
        weight = gave.get("o")
        addend = None
        if weight is not None:
            addend = engine.summing.port("i").pack(
                a=weight,
                b=engine.form.one,
                c=0,
                first=int(self._came == 0),
                last=int(self._came == self.n - 1),
            )
            self._weights[self._came] = weight
            self._came += 1
        _, gave = self._summing.step({"i": addend}, {"o": True})
        if "o" in gave:
            self._sum, self._top = gave["o"], 0
            self._to("divide")

    def _quotients(self) -> None:
        engine = self._engine
        given = None
        if self._sent < self.n:
            weight = engine.widened(self._weights[self._sent])
            given = engine.divide.port("i").pack(a=weight, b=self._sum)
            self._sent += 1
        _, gave = self._divide.step({"i": given}, {"o": True})
        if "o" in gave:
            found = engine.to_fixed(gave["o"])
            self.probabilities[self._came] = found
            self._top = max(self._top, found)
            self._came += 1
            if self._came == self.n:
                self._to("decide")


class _Back:
    def __init__(self, engine: PrunedAttention) -> None:
        self._engine = engine
        self.state: Back = "idle"
        self._select = SelectModel(engine.select)
        self._probabilities: list[int] = []
        self._k = self._row = self._lane = 0
        self._requantised = self._all_asked = False
        self._way: deque[int] = deque()
        self._sums: list[int] = []
        self._kept = 0

    def begin(self, probabilities: list[int], k: int, *, requantised: bool) -> None:
        self._probabilities, self._k, self._requantised = probabilities, k, requantised
        self._row = self._kept = 0
        self._all_asked = False
        self._sums = [0] * self._engine.features
        self.state = "ask"

    def step(
        self,
        offered: Mapping[str, int | None],
        ready: Mapping[str, bool],
        takes: Takes,
        gives: Gives,
    ) -> None:
        engine, select = self._engine, self._engine.select
        request = row = None
        if self.state == "ask":
            count = len(self._probabilities)
            request = select.port("request").pack(n=count, k=self._k)
        if self.state == "feed":
            at = self._row * engine.lanes
            row = select.row(self._probabilities[at : at + engine.lanes])
        shown = self._select.shown
        takes_row = False
        if self.state == "values":
            takes_row = self._values(shown, offered["value"], ready["value_address"], takes, gives)
        elif self.state == "give":
            gives["o"] = self._result()
            if ready["o"]:
                self.state = "idle"
        took, _ = self._select.step(
            {"request": request, "i": row}, {"o": takes_row, "result": True}
        )
        if request is not None and "request" in took:
            self.state = "feed" if self._probabilities else "values"
        if row is not None and "i" in took:
            self._row += 1
            if self._row == select.rows_of(len(self._probabilities)):
                self.state = "values"

    def _values(
        self, shown: int | None, value: int | None, ready: bool, takes: Takes, gives: Gives
    ) -> bool:
        """Ask for the values of a row of indices, sum those that come; say if the row is done with."""
        from accelsim.engines.pruned_attention import signed

        engine = self._engine
        done = self._all_asked and not self._way
        has_room = len(self._way) < engine.outstanding
        taken = None
        if self._way:
            takes.add("value")
            if value is not None:
                taken = self._way.popleft()
                weight = self._probabilities[taken]
                lanes = engine.port("value").unpack(value).values()
                for feature, lane in enumerate(lanes):
                    self._sums[feature] += weight * signed(lane, engine.value_bits)
                self._kept += 1
        takes_row = False
        if shown is not None:
            row = engine.select.port("o").unpack(shown)
            last_lane = row["count"] == 0
            if self._lane < row["count"] and has_room:
                index = row[f"lane_{self._lane}"]
                gives["value_address"] = engine.port("value_address").pack(index=index)
                if ready:
                    self._way.append(index)
                    last_lane = self._lane + 1 == row["count"]
                    self._lane += 1
            takes_row = last_lane
            if takes_row:
                self._lane = 0
                self._all_asked = bool(row["last"])
        if done:
            self.state = "give"
        return takes_row

    def _result(self) -> int:
        engine = self._engine
        mask = (1 << engine.sum_bits) - 1
        lanes = {f"lane_{f}": total & mask for f, total in enumerate(self._sums)}
        return engine.port("o").pack(kept=self._kept, requantised=int(self._requantised), **lanes)
