"""A model's ``config.json`` (as published on Hugging Face) as a workload: one layer, by its sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from accelsim.errors import SpecError, nearest
from accelsim.specs import Document, read_text
from accelsim.specs.json_file import placed, read_json
from accelsim.units import brief

# What a size is called, family by family; the first that is there (and not null) counts.
KEYS: dict[str, tuple[str, ...]] = {
    "hidden": ("hidden_size", "n_embd", "d_model", "dim", "n_embed"),
    "heads": ("num_attention_heads", "n_head", "num_heads", "n_heads", "encoder_attention_heads"),
    "key_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"),
    "head": ("head_dim", "d_kv", "kv_channels", "attention_head_size"),
    "inner": ("intermediate_size", "n_inner", "d_ff", "ffn_dim", "ffn_hidden_size", "hidden_dim",
              "encoder_ffn_dim"),
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers"),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts"),
    "active": ("num_experts_per_tok", "moe_top_k"),
    "expert_inner": ("moe_intermediate_size",),
}  # fmt: skip
LATENT = ("kv_lora_rank",)  # keys and values are made from a latent vector
NESTED = ("text_config", "llm_config", "language_config")


@dataclass(frozen=True, kw_only=True)
class Model:
    """The sizes of one layer; ``causal`` and ``gated`` are what its family does."""

    name: str
    source: str
    hidden: int
    heads: int
    key_heads: int
    head: int
    inner: int
    layers: int
    experts: int
    active: int
    causal: bool
    gated: bool
    notes: tuple[str, ...] = ()

    def workload(self) -> str:
        """Return the workload file: the layer as stages."""
        moe = f", {self.active} of {self.experts} experts" if self.experts else ""
        grouped = f"{self.key_heads} key heads" if self.key_heads != self.heads else "no groups"
        way = "causal" if self.causal else "no mask"
        ranks = {
            "B": 1,
            "H": self.heads,
            "G": self.key_heads,
            "E": self.head,
            "F": self.head,
            "D": self.hidden,
            "S": self.inner,
        }
        keys = "B*P" if self.causal else "B*M"  # earlier tokens have theirs already
        group = ", group: H // G" if self.causal else ""
        lines = [
            f"name: {self.name}",
            f"summary: {self.name}, one of {self.layers} layers, {way}, {grouped}{moe}",
            f"source: {self.source}",
            f"ranks: {{{', '.join(f'{k}: {v}' for k, v in ranks.items())}}}",
            "stages:",
            "  q: {cascade: matmul, ranks: {I: B*P, K: D, J: H*E}}",
            f"  k: {{cascade: matmul, ranks: {{I: {keys}, K: D, J: G*E}}}}",
            f"  v: {{cascade: matmul, ranks: {{I: {keys}, K: D, J: G*F}}}}",
            "  attention:",
            "    cascade: attention",
            *(["    variant: causal"] if self.causal else []),
            "    scope: attention",
            f"    ranks: {{P: P * (H // G), M: M, E: E, F: F{group}}}",
            "    leading: {b: B, h: G}",
            "  out: {cascade: matmul, ranks: {I: B*P, K: H*F, J: D}}",
            *self._feed_forward(),
        ]
        return "\n".join(lines) + "\n"

    def _feed_forward(self) -> list[str]:
        up = ["gate", "up"] if self.gated else ["ffn1"]
        down = "down" if self.gated else "ffn2"
        rows, leading = "B*P", ""
        if self.experts:  # tokens spread evenly over the experts
            tokens = f"{self.active} * B * P"
            rows = f'"ceil_div({tokens}, min({self.experts}, {tokens}))"'
            leading = f', leading: {{x: "min({self.experts}, {tokens})"}}'
        shapes = [*((name, "D", "S") for name in up), (down, "S", "D")]
        return [
            f"  {name}: {{cascade: matmul, ranks: {{I: {rows}, K: {k}, J: {j}}}{leading}}}"
            for name, k, j in shapes
        ]


def read_model(
    path: str | Path, *, name: str = "", causal: bool | None = None, gated: bool | None = None
) -> Model:
    """Return the sizes that a ``config.json`` states; SpecError names the key that is missing or wrong.

    ``causal`` and ``gated`` say what the file does not, for a family that is not known.
    """
    document = read_json(path)
    if not isinstance(document.data, dict):
        raise SpecError(
            document.fault((), f"must be a model's config.json, not {brief(document.data)}")
        )
    return _Reader(document, _text_part(document.data)).model(name, causal, gated)


def _text_part(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where the sizes of the language model are: a model of several parts nests them."""
    return next(((key,) for key in NESTED if isinstance(data.get(key), dict)), ())


@cache
def _families() -> dict[str, frozenset[str]]:
    text = files("accelsim.interchange").joinpath("families.yaml").read_text(encoding="utf-8")
    return {key: frozenset(names) for key, names in read_text(text).data.items()}


class _Reader:
    def __init__(self, document: Document, loc: tuple[str, ...]) -> None:
        self.document, self.loc = document, loc
        self.data: dict[str, Any] = document.data
        for part in loc:
            self.data = self.data[part]

    def model(self, name: str, causal: bool | None, gated: bool | None) -> Model:
        latent = next((key for key in LATENT if self.data.get(key)), None)
        if latent is not None:
            raise self.fault(
                latent,
                "must be a model whose heads have keys of their own; for latent attention see the cascade"
                " mla and its workload deepseek-v2-mla",
            )
        kind = str(self.data.get("model_type") or self.document.data.get("model_type") or "")
        notes: list[str] = []
        heads = self.number("heads")
        hidden = self.number("hidden")
        head = self.optional("head")
        if head is None:
            if hidden % heads:
                raise self.fault(
                    self.key("heads"), f"heads must divide the hidden size {hidden}, not {heads}"
                )
            head = hidden // heads
        key_heads = self.key_heads(heads)
        experts = self.optional("experts") or 0
        inner = self.optional("expert_inner") if experts else None
        inner = inner or self.optional("inner")
        if inner is None:
            ratio = self.data.get("expansion_ratio")
            if isinstance(ratio, int) and not isinstance(ratio, bool):
                inner = ratio * hidden
            elif any(key in self.data for key in KEYS["inner"]):
                inner = 4 * hidden  # null stands for that, in the family of GPT-2
                notes.append(f"the inner size is null, which is taken as 4 times {hidden}")
            else:
                inner = self.number("inner")
        if self.data.get("sliding_window"):
            notes.append("the sliding window of the file is not in the workload")
        if experts and "shared_expert_intermediate_size" in self.data:
            notes.append("the shared expert of the file is not in the workload")
        return Model(
            name=name or self.name(kind),
            source=f"the model's configuration, {Path(self.document.path).name}",
            hidden=hidden,
            heads=heads,
            key_heads=key_heads,
            head=head,
            inner=inner,
            layers=self.number("layers"),
            experts=experts,
            active=self.number("active") if experts else 0,
            causal=self.causal(kind) if causal is None else causal,
            gated=self.gated(kind, notes) if gated is None else gated,
            notes=tuple(notes),
        )

    def name(self, kind: str) -> str:
        named = str(self.document.data.get("_name_or_path") or kind or "model")
        return named.rstrip("/").split("/")[-1].lower() or "model"

    def key_heads(self, heads: int) -> int:
        if self.data.get("multi_query") is True and not self.data.get("new_decoder_architecture"):
            return 1
        found = self.optional("key_heads") or heads
        if heads % found:
            raise self.fault(
                self.key("key_heads"), f"key heads must divide the {heads} heads, not {found}"
            )
        return found

    def causal(self, kind: str) -> bool:
        known = _families()
        if kind in known["both_ways"]:
            return self.data.get("is_decoder") is True
        listed = self.document.data.get("architectures") or []
        named = [str(one) for one in listed] if isinstance(listed, list) else []
        return kind in known["gated"] | known["plain"] or any("CausalLM" in one for one in named)

    def gated(self, kind: str, notes: list[str]) -> bool:
        known = _families()
        if kind in known["gated"] or kind in known["plain"]:
            return kind in known["gated"]
        act = str(self.data.get("hidden_act") or self.data.get("activation_function") or "")
        found = act in {"silu", "swish", "swiglu", "geglu"}
        notes.append(
            f"model_type {kind or 'none'} is not known: its feed-forward part is taken to be"
            f" {'gated' if found else 'two matrices'}"
        )
        return found

    def key(self, what: str) -> str:
        return next((k for k in KEYS[what] if self.data.get(k) is not None), KEYS[what][0])

    def optional(self, what: str) -> int | None:
        key = self.key(what)
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            message = f"{key} must be a whole number of at least 1, not {brief(value)}"
            raise self.fault(key, message)
        return value

    def number(self, what: str) -> int:
        found = self.optional(what)
        if found is None:
            names = KEYS[what]
            raise self.fault(None, f"must have {_or(names)}{_near(names, self.data)}")
        return found

    def fault(self, key: str | None, message: str) -> SpecError:
        loc = (*self.loc, key) if key is not None else self.loc
        return SpecError(placed(self.document).fault(loc, message))


def _or(names: Iterable[str]) -> str:
    first, *others = names
    return f"{first} (or {', '.join(others)})" if others else first


def _near(names: Iterable[str], data: Mapping[str, Any]) -> str:
    """Return the key of the file that looks most like one that is wanted."""
    for name in names:
        hint = nearest(name, [str(key) for key in data])
        if "did you mean" in hint:
            return hint.replace("did you mean", "is it")
    return ""
