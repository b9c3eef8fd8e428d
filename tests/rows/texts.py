"""Small traces in the authors' CSV format, made for the tests."""

from __future__ import annotations

HEADER = (
    "iteration_id,layer_id,head_id,embedding_length_D,sentence_length_L,key_fetch_num,quant_key_bit,"
    "quant_query_bit,auto_requant_thres,if_requant,auto_requant_incre,value_fetch_num,quant_value_bit,"
    "if_accumulate_importance,if_rescale_previous_importance,if_topk,topk"
)
FOOTER = "configs/made_up.yml" + "," * 16
ENCODER_HEADER = (
    "layer_id,head_id,embedding_length_D,sentence_length_L,key_value_query_fetch_num,quant_key_bit,"
    "quant_value_bit,quant_query_bit,auto_requant_thres,if_requant,auto_requant_incre,auto_requant_num,"
    "if_accumulate_importance,if_topk,topk"
)


def row(
    iteration: int = 0,
    layer: int = 0,
    head: int = 0,
    tokens: int = 40,
    keys: int = 40,
    values: int = 40,
    bits: int = 8,
    requant: bool = False,
    extra: int = 4,
    value_bits: int | None = None,
    topk: int = -1,
    accumulate: bool = True,
) -> str:
    """A line of the form with 17 columns."""
    return (
        f"{iteration},{layer},{head},64.0,{tokens},{keys},{bits},12,0.05,{requant},{extra},{values},"
        f"{bits if value_bits is None else value_bits},{accumulate},False,{topk > 0},{topk}"
    )


def trace(lines: list[str], header: str = HEADER, footer: str = FOOTER) -> str:
    return "\n".join([header, *lines, footer, ""])


def pruned(iterations: int = 2, heads: int = 2, bits: int = 8) -> str:
    """Two layers an iteration: all keys, then half of them; one query in each first layer asks again."""
    lines = []
    for i in range(iterations):
        for layer, (keys, values) in enumerate([(40, 16), (20, 6)]):
            for head in range(heads):
                last = head == heads - 1
                lines.append(
                    row(i, layer, head, 40 + i, keys, values, bits, requant=layer == 0 and head == 0,
                        topk=(20 if layer == 0 else 40) if last else -1)
                )  # fmt: skip
    return trace(lines)


def encoder(queries: int = 6, layers: int = 2) -> str:
    """The form with 15 columns: two heads a layer."""
    lines = [
        f"{layer},{head},64.0,{queries},{queries},8,8,12,-1,False,-1,-1,True,False,-1"
        for layer in range(layers)
        for head in range(2)
    ]
    return "\n".join([ENCODER_HEADER, *lines, ""])
